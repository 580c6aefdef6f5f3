// Package suite tests plugin executables of any language from the outside, as a
// host and a scheduler would meet them. The same cases run under go test and in
// `gdask plugin test`; see [Worker].
package suite
