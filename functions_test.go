package gdask

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"time"
)

// The functions that the tests run on workers.
var (
	inc     = Func[int]("inc", func(x int) int { return x + 1 })
	add     = Func[int]("add", func(a, b int) int { return a + b })
	sum     = Func[int]("sum", addUp)
	fail    = Func[int]("fail", func(text string) (int, error) { return 0, errors.New(text) })
	explode = Func[int]("explode", func() int { return deep(5) })
	blob    = Func[[]byte]("blob", func(n int, b byte) []byte { return []byte(strings.Repeat(string(b), n)) })
	length  = Func[int]("length", func(b []byte) int { return len(b) })
	point   = Func[*pair]("point", func() *pair { return &shared })
	pid     = Func[int]("pid", func(int) int { return os.Getpid() })
	nap     = Func[int]("nap", doze)
	wordsOf = Func[map[string]int]("words", wordLengths)
	die     = Func[int]("die", func() int { os.Exit(7); return 0 })
	nested  = Func[int]("nested", submitMore)
	hog     = Func[int]("hog", useMemory)
	patient = Func[int]("patient", wait)
	tenfold = Func[float64]("tenfold", func(p pair) float64 { return 10 * (p.X + p.Y) })
)

type pair struct{ X, Y float64 }

var shared pair

func addUp(xs ...int) int {
	total := 0
	for _, x := range xs {
		total += x
	}
	return total
}

func deep(n int) int {
	if n == 0 {
		panic("too deep")
	}
	return deep(n-1) + 1
}

// doze takes ms milliseconds unless its task is cancelled.
func doze(ctx context.Context, ms, result int) (int, error) {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return result, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func wordLengths(text string) map[string]int {
	m := map[string]int{}
	for w := range strings.FieldsSeq(text) {
		m[w] = len(w)
	}
	return m
}

// submitMore submits tasks from inside a task.
func submitMore(ctx context.Context, n int) (int, error) {
	c, err := TaskClient(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	xs := make([]int, n)
	for i := range xs {
		xs[i] = i
	}
	rs, err := Gather(ctx, inc.Map(c, xs))
	return addUp(rs...), err
}

// useMemory takes so many bytes of memory and keeps them until its context
// ends; one that is not polite keeps them for ever.
func useMemory(ctx context.Context, n int, polite bool) (int, error) {
	const step = 16 << 20
	var blocks [][]byte
	for len(blocks)*step < n && (!polite || ctx.Err() == nil) {
		blocks = append(blocks, bytes.Repeat([]byte{1}, step))
	}
	if !polite {
		ctx = context.Background()
	}
	<-ctx.Done()
	return len(blocks), ctx.Err()
}

// patientRuns gets a value whenever a patient task begins in this process.
var patientRuns = make(chan struct{}, 100)

// wait runs until its task is cancelled.
func wait(ctx context.Context, _ int) (int, error) {
	patientRuns <- struct{}{}
	<-ctx.Done()
	return 0, ctx.Err()
}
