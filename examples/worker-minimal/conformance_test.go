package main

import (
	"testing"

	"github.com/gdask/gdask/sdk/conformance"
)

func TestConformance(t *testing.T) {
	conformance.Worker(t, conformance.Program{Path: conformance.Build(t, ".", "mycustom")})
}
