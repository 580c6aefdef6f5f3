// Wordcount counts the words of a directory tree on a cluster: tasks count
// pieces of files, a tree of tasks adds the counts up, and the sums are compared,
// word by word, with a plain sequential count.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/examples/wordcount/words"
)

// The functions, under the names that any worker of package words knows.
var (
	count = gdask.Func[words.Counts](words.CountName, words.Count)
	merge = gdask.Func[words.Counts](words.MergeName, words.Merge)
)

// flags of the program.
type flags struct {
	dir         string
	scheduler   string
	workerClass string
	workers     int
	chunk       int64
	top         int
}

func main() { gdask.Main(program) }

func program() {
	var f flags
	flag.StringVar(&f.dir, "dir", "", "directory `tree` to count; default: the source of the Go installation")
	flag.StringVar(&f.scheduler, "scheduler", "", "`address` of a running scheduler; default: a cluster of this program's own")
	flag.StringVar(&f.workerClass, "worker-class", "", "worker class of the own cluster")
	flag.IntVar(&f.workers, "n-workers", -1, "workers of the own cluster; default: by the number of cores")
	flag.Int64Var(&f.chunk, "chunk", 256<<10, "`bytes` that one task counts")
	flag.IntVar(&f.top, "top", 10, "how many of the most frequent words to print")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := f.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "wordcount:", err)
		os.Exit(1)
	}
}

func (f *flags) run(ctx context.Context) error {
	if f.chunk < 1 {
		return fmt.Errorf("-chunk is %d; give at least 1 byte", f.chunk)
	}
	if f.dir == "" {
		var err error
		if f.dir, err = goSource(ctx); err != nil {
			return err
		}
	}
	files, err := list(f.dir)
	if err != nil {
		return err
	}
	c, err := f.connect(ctx)
	if err != nil {
		return err
	}
	job := newJob(files, f.chunk)
	err = job.run(ctx, c, f.top)
	if e := c.Close(); err == nil {
		err = e
	}
	return err
}

func (f *flags) connect(ctx context.Context) (*gdask.Client, error) {
	if f.scheduler != "" {
		return gdask.NewClient(ctx, f.scheduler)
	}
	o := gdask.LocalOptions{WorkerClass: f.workerClass}
	if f.workers >= 0 {
		o.NWorkers = &f.workers
	}
	if o.NWorkers == nil && o.WorkerClass == "" {
		return gdask.NewClient(ctx) // honours the environment's scheduler address
	}
	return gdask.NewClient(ctx, o)
}
