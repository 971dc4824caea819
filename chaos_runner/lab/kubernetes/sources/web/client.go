package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const patience = time.Second

// A connection of its own for each request: a change in the network is seen by the next one.
var client = http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// ask gives the body at a URL, or an error for anything but a 200.
func ask(url string) ([]byte, error) {
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	return body, err
}

func get(url string) error {
	body, err := ask(url)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(body)
	return err
}
