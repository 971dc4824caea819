package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL,
	"TERM": syscall.SIGTERM, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// kill understands what kill(1) understands of `-9`, `-KILL`, `-SIGKILL` and `-s KILL`, before one or more pids.
func kill(words []string) error {
	number := syscall.SIGTERM
	if words[0] == "-s" && len(words) > 1 {
		words = append([]string{"-" + words[1]}, words[2:]...)
	}
	if name, given := strings.CutPrefix(words[0], "-"); given && len(words) > 1 {
		var err error
		if number, err = signalOf(name); err != nil {
			return err
		}
		words = words[1:]
	}
	for _, word := range words {
		pid, err := strconv.Atoi(word)
		if err != nil {
			return fmt.Errorf("kill: %s is no pid", word)
		}
		if err := syscall.Kill(pid, number); err != nil {
			return fmt.Errorf("kill: %d: %w", pid, err)
		}
	}
	return nil
}

func signalOf(name string) (syscall.Signal, error) {
	if number, err := strconv.Atoi(name); err == nil {
		return syscall.Signal(number), nil
	}
	if number, known := signals[strings.TrimPrefix(name, "SIG")]; known {
		return number, nil
	}
	return 0, fmt.Errorf("kill: no signal is called %s", name)
}
