package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// server is one pod's share of a service.
type server struct {
	service, pod string
	asks         []string
	delay        atomic.Int64 // nanoseconds before each answer of /
	unready      atomic.Bool
	held         [][]byte
}

func serve() error {
	pod, err := os.Hostname()
	if err != nil {
		return err
	}
	one := &server{service: cmp.Or(os.Getenv("SERVICE"), "web"), pod: pod}
	if asks := os.Getenv("ASKS"); asks != "" {
		one.asks = strings.Split(asks, ",")
	}
	go endOnSignal()
	address := ":" + cmp.Or(os.Getenv("PORT"), "8080")
	fmt.Println("listening on", address)
	return http.ListenAndServe(address, one.pages())
}

func (one *server) pages() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("/", one.answer)
	pages.HandleFunc("/healthz", func(out http.ResponseWriter, _ *http.Request) { fmt.Fprintln(out, "ok") })
	pages.HandleFunc("/ready", one.ready)
	pages.HandleFunc("/unready", func(_ http.ResponseWriter, _ *http.Request) { one.unready.Store(true) })
	pages.HandleFunc("/slow", one.slow)
	pages.HandleFunc("/memory", one.hold)
	pages.HandleFunc("/exit", func(_ http.ResponseWriter, in *http.Request) { os.Exit(number(in, "code")) })
	return pages
}

// answer asks every service it depends on; one that fails makes this one fail.
func (one *server) answer(out http.ResponseWriter, _ *http.Request) {
	time.Sleep(time.Duration(one.delay.Load()))
	for _, url := range one.asks {
		if _, err := ask(url); err != nil {
			http.Error(out, err.Error(), http.StatusBadGateway)
			return
		}
	}
	out.Header().Set("Content-Type", "application/json")
	json.NewEncoder(out).Encode(map[string]any{"service": one.service, "pod": one.pod, "asked": len(one.asks)})
}

func (one *server) ready(out http.ResponseWriter, _ *http.Request) {
	if one.unready.Load() {
		http.Error(out, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(out, "ready")
}

func (one *server) slow(_ http.ResponseWriter, in *http.Request) {
	one.delay.Store(int64(number(in, "ms")) * int64(time.Millisecond))
}

// hold takes memory for good, every page of it touched.
func (one *server) hold(out http.ResponseWriter, in *http.Request) {
	taken := make([]byte, number(in, "mb")<<20)
	for at := 0; at < len(taken); at += os.Getpagesize() {
		taken[at] = 1
	}
	one.held = append(one.held, taken)
	fmt.Fprintln(out, len(one.held))
}

// number is a query's number; what is none is 0.
func number(in *http.Request, name string) int {
	found, _ := strconv.Atoi(in.FormValue(name))
	return found
}

// endOnSignal lets process 1 end when it is asked to: the kernel ignores for it whatever it does not handle.
func endOnSignal() {
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGTERM, syscall.SIGINT)
	fmt.Println("ends:", <-received)
	os.Exit(0)
}
