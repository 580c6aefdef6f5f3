package scheduler

import "github.com/gdask/gdask/core/scheduler/state"

// failureRows are the latest failed tasks under Dask's names, newest first.
func failureRows(fs []state.FailedTask) []any {
	rows := make([]any, len(fs))
	for i, f := range fs {
		rows[i] = object{
			{"key", f.Key}, {"timestamp", unixSeconds(f.At)}, {"erred_on", f.ErredOn},
			{"exception_text", f.ExceptionText}, {"traceback_text", f.TracebackText},
		}
	}
	return rows
}
