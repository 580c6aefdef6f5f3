package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// httpServer serves the dashboard, the metrics and the JSON pages.
type httpServer struct {
	srv  *http.Server
	addr *net.TCPAddr
}

// portTries is how often a busy dashboard port is tried before another is taken.
const portTries = 3

// startHTTP binds the dashboard's address unless it is off.
func (s *Scheduler) startHTTP() error {
	address, on, err := dashboardAddress(s.set.DashboardAddress)
	if err != nil || !on {
		return err
	}
	ln, err := s.bindHTTP(address)
	if err != nil {
		return err
	}
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return errors.Join(fmt.Errorf("scheduler: dashboard address %s is no TCP address", ln.Addr()), ln.Close())
	}
	h := &httpServer{addr: addr, srv: &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}}
	s.mu.Lock()
	s.http = h
	s.mu.Unlock()
	s.wg.Go(func() {
		if err := h.srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.warn("the dashboard's server ended", "error", err)
		}
	})
	return nil
}

// dashboardAddress completes what the user wrote and says whether there is to
// be a server at all.
func dashboardAddress(text string) (address string, on bool, err error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.EqualFold(text, "none") {
		return "", false, nil
	}
	if _, err := strconv.Atoi(text); err == nil {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", false, fmt.Errorf("scheduler: dashboard address %q: %w; write host:port, :port or none", text, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), true, nil
}

// bindHTTP listens on address, on another port of the same host when it is taken.
func (s *Scheduler) bindHTTP(address string) (net.Listener, error) {
	var lc net.ListenConfig
	var first error
	for range portTries {
		ln, err := lc.Listen(s.ctx, "tcp", address)
		if err == nil {
			return ln, nil
		}
		first = err
		select { // the last owner may be on its way out
		case <-s.ctx.Done():
			return nil, errClosed
		case <-time.After(2 * time.Millisecond):
		}
	}
	host, _, _ := net.SplitHostPort(address)
	ln, err := lc.Listen(s.ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("scheduler: dashboard address %s: %w", address, first)
	}
	s.log.warn("dashboard address is taken, using another port", "wanted", address, "used", ln.Addr().String())
	return ln, nil
}

// stopHTTP lets requests under way end within ctx.
func (s *Scheduler) stopHTTP(ctx context.Context) error {
	s.mu.Lock()
	h := s.http
	s.mu.Unlock()
	if h == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, farewellBound)
	defer cancel()
	if err := h.srv.Shutdown(ctx); err != nil {
		return h.srv.Close()
	}
	return nil
}

func (s *Scheduler) dashboardPort() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		return 0
	}
	return s.http.addr.Port
}

// DashboardLink is the address of the status page for a browser; empty when
// there is no HTTP server.
func (s *Scheduler) DashboardLink() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		return ""
	}
	host := s.http.addr.IP.String()
	if s.http.addr.IP.IsUnspecified() {
		host = "127.0.0.1"
		if len(s.listeners) > 0 {
			if ip := net.ParseIP(hostOf(s.listeners[0].ContactAddress())); ip != nil {
				host = ip.String()
			}
		}
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.http.addr.Port)) + "/status"
}
