package scheduler

import "github.com/gdask/gdask/sdk/wire"

// The handlers of Dask's own clients and workers refuse fields that they do not
// know: what only gdask reads is left out of messages to them.

func plainForClient(m wire.Msg) {
	switch m := m.(type) {
	case *wire.KeyInMemory:
		m.Typename, m.Nbytes = "", 0
	case *wire.TaskErred:
		if m.Exception.IsNil() && m.ExceptionText != "" {
			m.Exception = wire.StringOpaque(m.ExceptionText)
		}
		*m = wire.TaskErred{Key: m.Key, Exception: m.Exception, Traceback: m.Traceback}
	}
}

func plainForWorker(m wire.Msg) {
	if m, ok := m.(*wire.ComputeTask); ok {
		m.Runtime, m.Timeout = "", 0
		if m.Annotations.IsNil() { // they insist on a map
			m.Annotations = wire.Opaque{Raw: []byte{0x80}}
		}
	}
}
