package gdask

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/hook"
)

// forwarder is the plugin of ForwardOutput.
type forwarder struct {
	streams [2]*forwarded
}

// forwarded is one stream of this process, read line by line on its way.
type forwarded struct {
	stream *(*os.File) // os.Stdout or os.Stderr
	real   *os.File
	in     *os.File // what stands in its place
	done   sync.WaitGroup
}

// behind are the real streams behind those that stand in their places.
var behind sync.Map

// unforwarded is where a client writes what tasks print: were that forwarded
// again, as another print of this worker, it would never end.
func unforwarded(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok {
		if to, stands := behind.Load(f); stands {
			return unforwarded(to.(*os.File)) //nolint:forcetypeassert // nothing else is in there
		}
	}
	return w
}

// longestLine is where a line without an end is cut.
const longestLine = 64 << 10

func (f *forwarder) Setup(ctx context.Context, w hook.Worker) error {
	if os.Getenv(handshake.CookieEnv) != handshake.KindWorker {
		return errors.New("the worker shares its process with others, whose output is not to be taken; use worker processes")
	}
	for i, stream := range []**os.File{&os.Stdout, &os.Stderr} {
		s, err := forward(w, stream, i+1)
		if err != nil {
			return errors.Join(err, f.Teardown(ctx, w))
		}
		f.streams[i] = s
	}
	return nil
}

// forward puts a pipe in the place of a stream; number is Python's of it.
func forward(w hook.Worker, stream **os.File, number int) (*forwarded, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s := &forwarded{stream: stream, real: *stream, in: in}
	behind.Store(in, s.real)
	*stream = in
	s.done.Go(func() {
		lines := bufio.NewReaderSize(io.TeeReader(out, s.real), longestLine)
		for {
			line, err := lines.ReadSlice('\n')
			if len(line) > 0 {
				_ = w.LogEvent(topicPrint, map[string]any{ // what is printed while the scheduler is away stays here
					"args": []any{string(line)}, "sep": " ", "end": "", "file": number, "flush": true,
				})
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				_ = out.Close()
				return
			}
		}
	})
	return s, nil
}

func (f *forwarder) Teardown(context.Context, hook.Worker) error {
	for _, s := range f.streams {
		if s == nil {
			continue
		}
		if *s.stream == s.in { // nobody has put something else there
			*s.stream = s.real
		}
		_ = s.in.Close() // the reader ends with it
		s.done.Wait()
	}
	f.streams = [2]*forwarded{}
	return nil
}
