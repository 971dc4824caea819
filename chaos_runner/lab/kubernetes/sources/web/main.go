// Command web is every service of the lab's shop: a small HTTP server that says who it is, and asks other services
// first when it is told of some. It can be made slow, unready, hungry, and to end.
//
//	web                 serve on $PORT (8080); $SERVICE is its name, $ASKS are the URLs it asks, separated by commas
//	web get URL         print what is there; exit code 1 for anything but a 200 within a second
//	web kill -SIGNAL PID   (also as /bin/kill: the image has nothing else)
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	words := os.Args[1:]
	if filepath.Base(os.Args[0]) == "kill" {
		words = append([]string{"kill"}, words...)
	}
	if err := run(words); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(words []string) error {
	switch {
	case len(words) == 0:
		return serve()
	case words[0] == "get" && len(words) == 2:
		return get(words[1])
	case words[0] == "kill" && len(words) > 1:
		return kill(words[1:])
	}
	return fmt.Errorf("usage: web | web get URL | web kill -SIGNAL PID")
}
