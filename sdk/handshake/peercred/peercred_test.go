package peercred

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestBothEndsSeeTheirUser(t *testing.T) {
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, info, err := Credentials{}.ServerHandshake(server)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := (Credentials{}).ClientHandshake(context.Background(), "", client); err != nil {
		t.Fatal(err)
	}
	if uid := info.(Info).UID; runtime.GOOS == "linux" && uid != os.Getuid() {
		t.Fatalf("peer has uid %d, want %d", uid, os.Getuid())
	}
}

func TestRefusesOtherSockets(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // elsewhere the system does not tell
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, _, err := (Credentials{}).ServerHandshake(a); err == nil {
		t.Fatal("a pipe was accepted")
	}
}
