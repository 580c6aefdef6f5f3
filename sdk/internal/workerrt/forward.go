package workerrt

import (
	"os"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// ForwardLogging begins the names of plugins that have a worker publish its log
// lines; the name of a logger, or <root>, follows. The topic has another word in front.
// Python's client uses the same names.
const (
	ForwardLogging = "forward-logging-"
	forwardTopic   = "forwarded-log-record-"
	rootLogger     = "<root>"
)

// pythonLevels are the numbers of Python's levels.
var pythonLevels = map[string]int{"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}

// forwarded says that lines of this logger belong to a plugin's topic.
func forwarded(plugin, logger string) bool {
	name := strings.TrimPrefix(plugin, ForwardLogging)
	return name == rootLogger || name == logger || strings.HasPrefix(logger, name+".")
}

// forwardLogs begins or ends the publication of log lines; it reports whether the
// plugin is of that kind.
func (w *Worker) forwardLogs(plugin string, on bool) bool {
	if !strings.HasPrefix(plugin, ForwardLogging) {
		return false
	}
	l := w.logs
	l.mu.Lock()
	defer l.mu.Unlock()
	if !on {
		delete(l.forwards, plugin)
		return true
	}
	if l.forwards == nil {
		l.forwards = map[string]struct{}{}
	}
	l.forwards[plugin] = struct{}{}
	return true
}

// forwardRequest answers plugin-add and plugin-remove for such plugins.
func (w *Worker) forwardRequest(op string, m wire.Opaque) (answer any, mine bool) {
	name, _ := m.Field("name")
	if !w.forwardLogs(name.Text(), op == "plugin-add") {
		return nil, false
	}
	return map[string]any{"status": "OK"}, true
}

// keepForwards takes the plugins of that kind out of what the scheduler named.
func (w *Worker) keepForwards(plugins wire.Opaque) {
	names, _, err := hook.Installs(plugins)
	if err != nil {
		return // whoever installs them tells
	}
	for _, name := range names {
		w.forwardLogs(name, true)
	}
}

// publish sends a log line under the topics that want it, in the form of Python's
// log records.
func (w *Worker) publish(topics []string, level, logger, text string, at time.Time) {
	record, err := wire.OpaqueOf(map[string]any{
		"name": logger, "levelno": pythonLevels[level], "levelname": level, "msg": text, "args": nil, "exc_info": nil,
		"created": unixSeconds(at), "process": os.Getpid(), "worker": w.address,
	})
	if err == nil {
		_ = w.LogEvent(record, topics...) // nobody hears a line while the scheduler is away
	}
}
