// Package conformance has the tests that every plugin of a kind must pass, as
// functions to call from a test of one's own: one call, and each rule runs as a
// subtest that explains itself when it fails.
package conformance
