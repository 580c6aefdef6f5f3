package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/examples/wordcount/words"
)

// fanIn is how many counts one task of the reduction adds up.
const fanIn = 8

// job is one count of files.
type job struct {
	files  []file
	chunks [][]words.Piece
	bytes  int64
}

func newJob(files []file, chunk int64) *job {
	j := &job{files: files, chunks: pack(files, chunk)}
	for _, f := range files {
		j.bytes += f.size
	}
	return j
}

// run counts on the cluster, prints the most frequent words and checks all.
func (j *job) run(ctx context.Context, c *gdask.Client, top int) error {
	fmt.Printf("counting words of %d files, %.1f MB, in %d chunks\n", len(j.files), mega(j.bytes), len(j.chunks))
	if link := c.DashboardLink(); link != "" {
		fmt.Println("dashboard:", link)
	}
	start := time.Now()
	total, tasks, err := j.count(ctx, c)
	if err != nil {
		return err
	}
	took := time.Since(start)
	printTop(total, top)
	if err := check(total, j.files); err != nil {
		return err
	}
	fmt.Printf("wordcount: %d tasks, %.1f MB, %.1f MB/s, verified\n", tasks, mega(j.bytes), mega(j.bytes)/took.Seconds())
	return nil
}

func mega(n int64) float64 { return float64(n) / 1e6 }

// count submits the whole graph at once and follows it to its end.
func (j *job) count(ctx context.Context, c *gdask.Client) (words.Counts, int, error) {
	level := count.Map(c, j.chunks)
	all := slices.Clone(level)
	for len(level) > 1 {
		var next []*gdask.Future[words.Counts]
		for group := range slices.Chunk(level, fanIn) {
			next = append(next, merge.Submit(c, group))
		}
		all = append(all, next...)
		level = next
	}
	defer gdask.Release(all...)
	if err := follow(ctx, all); err != nil {
		return nil, 0, err
	}
	total, err := level[0].Result(ctx)
	return total, len(all), err
}

// follow shows progress and releases what the reduction has used up.
func follow(ctx context.Context, all []*gdask.Future[words.Counts]) error {
	bar := newBar(len(all))
	defer bar.end()
	for f, err := range gdask.AsCompleted(ctx, all...) {
		if err == nil {
			err = f.Exception(ctx)
		}
		if err != nil {
			return err
		}
		bar.step()
		if f != all[len(all)-1] {
			f.Release()
		}
	}
	return nil
}

func printTop(total words.Counts, top int) {
	names := make([]string, 0, len(total))
	var sum int64
	for w, n := range total {
		names = append(names, w)
		sum += n
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(total[b], total[a]), cmp.Compare(a, b))
	})
	fmt.Printf("%d words, %d different; the most frequent:\n", sum, len(names))
	for _, w := range names[:min(max(top, 0), len(names))] {
		fmt.Printf("%10d  %s\n", total[w], w)
	}
}
