package wire

import "testing"

// TestUnzeroedMemoryIsTheCallersAlone: every byte can be written, and neither a
// neighbour nor what appends to it sees that.
func TestUnzeroedMemoryIsTheCallersAlone(t *testing.T) {
	for _, n := range []int{0, 1, maxBuffer - 1, maxBuffer, maxBuffer + 1, 3 << 20} {
		a, b := unzeroed(n), unzeroed(n)
		if len(a) != n || cap(a) != n {
			t.Fatalf("asked for %d bytes: %d, room for %d", n, len(a), cap(a))
		}
		for i := range a {
			a[i], b[i] = 1, 2
		}
		_ = append(a, 3)
		for i := range a {
			if a[i] != 1 || b[i] != 2 {
				t.Fatalf("byte %d of %d is %d and %d", i, n, a[i], b[i])
			}
		}
	}
}

// BenchmarkUnzeroed against memory that the runtime clears.
func BenchmarkUnzeroed(b *testing.B) {
	const size = 32 << 20
	for name, get := range map[string]func(int) []byte{
		"unzeroed": unzeroed, "make": func(n int) []byte { return make([]byte, n) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				for i, p := 0, get(size); i < size; i += 4096 {
					p[i] = 1
				}
			}
		})
	}
}
