// A server in Go that finishes what it has: go build -o server main.go && tsicorn -k exec --ready-fd 4 -- ./server
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	listener, err := net.FileListener(os.NewFile(3, "socket"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello from process %d\n", os.Getpid())
	})
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * time.Second)
		fmt.Fprintln(w, "done")
	})
	server := &http.Server{}
	stopped := make(chan struct{})
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		<-signals
		server.Shutdown(context.Background())
		close(stopped)
	}()
	if fd, err := strconv.Atoi(os.Getenv("TSICORN_READY_FD")); err == nil {
		os.NewFile(uintptr(fd), "ready").WriteString("\n")
	}
	server.Serve(listener)
	<-stopped
}
