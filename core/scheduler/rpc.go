package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/nearest"
	"github.com/gdask/gdask/sdk/wire"
)

// call is one request under way.
type call struct {
	s    *Scheduler
	ctx  context.Context
	msg  wire.Msg
	conn *wire.Conn
	talk *conversation
	undo func() // takes back what was granted when the answer cannot be sent
	left bool   // nobody waits for the answer any more
	// confirm says that the caller will tell that the answer has arrived; if it
	// does not, undo is called as well.
	confirm bool
	*request
}

// handler answers a request with a value that wire can send. An error becomes
// the protocol's uncaught-error.
type handler func(c *call) (any, error)

// handlers is the table of all requests.
func handlers() map[string]handler {
	return map[string]handler{
		"identity": (*call).identity, "gather": (*call).gather, "scatter": (*call).scatter,
		"who_has": (*call).whoHas, "has_what": (*call).hasWhat, "processing": (*call).processing,
		"ncores": (*call).ncores, "ncores_running": (*call).ncores, "nbytes": (*call).nbytes,
		"update_data": (*call).updateData, "broadcast": (*call).broadcast, "proxy": (*call).proxy,
		"versions": (*call).versions, "retry": (*call).retry, "restart": (*call).restart, "restart_workers": (*call).restartWorkers,
		"retire_workers": (*call).retireWorkers, "workers_to_close": (*call).workersToClose, "replicate": (*call).replicate,
		"rebalance": (*call).rebalance, "amm_handler": (*call).ammHandler, "adaptive_target": (*call).adaptiveTarget,
		"publish_put": (*call).publishPut, "publish_get": (*call).publishGet,
		"publish_list": (*call).publishList, "publish_delete": (*call).publishDelete,
		"set_metadata": (*call).setMetadata, "get_metadata": (*call).getMetadata,
		"log_event": (*call).logEvent, "events": (*call).events,
		"register_worker_plugin": (*call).registerWorkerPlugin, "unregister_worker_plugin": (*call).unregisterWorkerPlugin,
		"register_nanny_plugin": (*call).registerNannyPlugin, "unregister_nanny_plugin": (*call).unregisterNannyPlugin,
		"register_nanny": (*call).registerNanny, "unregister": (*call).unregister,
		"terminate": (*call).terminate, "get_logs": (*call).logs, "logs": (*call).logs,
		"worker_logs": (*call).workerLogs,
		"get_story":   (*call).story, "heartbeat_worker": (*call).heartbeat,
		"add_keys": (*call).addKeys, "missing_workers": (*call).missingWorkers,
		"check_idle": (*call).checkIdle, "explain": (*call).explain,
		"queue_create": (*call).queueCreate, "queue_put": (*call).queuePut,
		"queue_get": (*call).queueGet, "queue_qsize": (*call).queueSize,
		"variable_set": (*call).variableSet, "variable_get": (*call).variableGet,
		"event_set": (*call).flagSet, "event_clear": (*call).flagClear,
		"event_wait": (*call).flagWait, "event_is_set": (*call).flagIsSet,
		"semaphore_register": (*call).semaphoreRegister, "semaphore_acquire": (*call).semaphoreAcquire,
		"semaphore_release": (*call).semaphoreRelease, "semaphore_refresh_leases": (*call).semaphoreRefresh,
		"semaphore_value": (*call).semaphoreValue, "semaphore_close": (*call).semaphoreClose,
		"multi_lock_acquire": (*call).multiAcquire, "multi_lock_release": (*call).multiRelease,
		"call_stack": (*call).callStack, "get_cluster_state": (*call).clusterState,
		"dump_cluster_state_to_url": (*call).dumpToURL, "performance_report": (*call).performanceReport,
		"get_task_stream": (*call).taskStream, "get_task_stream_index": (*call).taskStreamIndex,
		"register_scheduler_plugin":   (*call).registerSchedulerPlugin,
		"unregister_scheduler_plugin": (*call).unregisterSchedulerPlugin, "run_function": (*call).runFunction,
		"get_runspec": (*call).runSpec, "get_error_cause": (*call).errorCause,
		"set_resources": (*call).setResources, "set_restrictions": (*call).setRestrictions,
	}
}

// call runs the handler of m and returns the value to answer with, and what to
// do when it cannot be sent or, where the caller confirms, has not arrived.
func (s *Scheduler) call(talk *conversation, m wire.Msg) (answer any, undo func(), confirm bool) {
	op := m.Op()
	defer func() {
		if r := recover(); r != nil {
			s.log.warn("request failed inside the scheduler", "op", op, "panic", r, "stack", string(debug.Stack()))
			answer = uncaught(fmt.Errorf("operation %s: internal failure of the scheduler: %v", op, r))
		}
	}()
	if err := hook.Blocked(op, "Scheduler", s.set.Blocked); err != nil {
		return uncaught(asPython("ValueError", "%v", err)), nil, false
	}
	h := s.rpc[op]
	if h == nil {
		return uncaught(s.unknownOp(op)), nil, false
	}
	c := &call{s: s, ctx: s.ctx, msg: m, conn: talk.c, talk: talk}
	if _, typed := m.(*wire.HeartbeatWorker); !typed {
		var err error
		if c.request, err = newRequest(m); err != nil {
			return uncaught(err), nil, false
		}
	}
	value, err := h(c)
	if c.left && c.undo != nil {
		c.undo()
		c.undo = nil
	}
	if err != nil {
		s.log.debug("request failed", "op", op, "error", err)
		return uncaught(err), nil, false
	}
	return value, c.undo, c.confirm && c.undo != nil
}

func (s *Scheduler) unknownOp(op string) error {
	names := make([]string, 0, len(s.rpc))
	for n := range s.rpc {
		names = append(names, n)
	}
	slices.Sort(names)
	return fmt.Errorf("no operation %q here%s", op, nearest.Hint(op, names))
}

// pythonError is an error with the class that a Python client shall see.
type pythonError struct{ class, text string }

// Error implements error.
func (e *pythonError) Error() string { return e.text }

func asPython(class, format string, args ...any) error {
	return &pythonError{class, fmt.Sprintf(format, args...)}
}

// uncaught is the protocol's form of a failed request.
func uncaught(err error) *wire.Failure {
	class := "Exception"
	var remote *wire.RemoteError
	var py *pythonError
	switch {
	case errors.As(err, &remote) && !remote.Exception.IsNil():
		return failure(remote.Exception, remote.ExceptionText, remote.Traceback)
	case errors.As(err, &py):
		class = py.class
	case errors.Is(err, context.DeadlineExceeded):
		class = "TimeoutError"
	}
	return failure(wire.BytesOpaque(pickleError(class, err.Error())), err.Error(), "")
}

func failure(exception wire.Opaque, text, traceback string) *wire.Failure {
	return &wire.Failure{Status: "uncaught-error", Exception: exception, ExceptionText: text, TracebackText: traceback}
}
