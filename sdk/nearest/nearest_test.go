package nearest

import "testing"

func TestOf(t *testing.T) {
	names := []string{"threadpool", "subprocess", "scheduler", "n-workers"}
	for word, want := range map[string]string{
		"threadpol": "threadpool", "sheduler": "scheduler", "n_workesr": "n-workers", "Subprocess": "subprocess",
		"xyz": "", "": "", "ab": "", "completely-other": "",
	} {
		if got := Of(word, names); got != want {
			t.Errorf("Of(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Hint("threadpol", names); got != `; did you mean "threadpool"?` {
		t.Errorf("Hint: %q", got)
	}
	if got := Hint("zzzzzz", names); got != "" {
		t.Errorf("Hint: %q", got)
	}
}
