package bench

import "github.com/gdask/gdask"

// The tasks. Any worker process of the gdask command has them.
var (
	noop  = gdask.Func[int]("gdask.bench.noop", func(i int) int { return i })
	inc   = gdask.Func[int]("gdask.bench.inc", func(i int) int { return i + 1 })
	add   = gdask.Func[int]("gdask.bench.add", func(a, b int) int { return a + b })
	shift = gdask.Func[int]("gdask.bench.shift", func(base, i int) int { return base + i })
	sum   = gdask.Func[int]("gdask.bench.sum", func(xs []int) int {
		total := 0
		for _, x := range xs {
			total += x
		}
		return total
	})
	produce = gdask.Func[[]byte]("gdask.bench.produce", block)
	consume = gdask.Func[int]("gdask.bench.consume", func(b []byte, _ int) int { return len(b) })
)

// block is so many bytes that differ with id.
func block(size, id int) []byte {
	b := make([]byte, size)
	for i := 0; i < size; i += 512 {
		b[i] = byte(id + i>>9)
	}
	return b
}
