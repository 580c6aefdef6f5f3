package scheduler

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// shownRows bounds the lists of keys, failures and the like on one page.
const shownRows = 500

// parsePages makes the templates of all pages of people.
func parsePages() (*template.Template, error) {
	style, err := web.ReadFile("web/style.css")
	if err != nil {
		return nil, err
	}
	link := func(of string) func(string) string {
		return func(name string) string { return "/info/" + of + "/" + url.PathEscape(name) + ".html" }
	}
	return template.New("pages").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) }, //nolint:gosec // our own file
		"more":  func(all int, shown []string) int { return all - len(shown) },
		"bytes": byteText, "seconds": secondsText, "bad": func(level string) bool { return level == "WARNING" || level == "ERROR" },
		"taskLink": link("task"), "workerLink": link("worker"), "logsLink": link("logs"),
		"stacksLink": link("call-stacks"), "stackLink": link("call-stack"),
	}).ParseFS(web, "web/parts.html", "web/workers.html", "web/report.html")
}

// infoRoutes are the pages that need no script.
func (s *Scheduler) infoRoutes(mux *http.ServeMux) {
	mux.Handle("GET /info", http.RedirectHandler("/info/main/workers.html", http.StatusFound))
	mux.Handle("GET /info/{$}", http.RedirectHandler("/info/main/workers.html", http.StatusFound))
	for path, f := range map[string]func(*pageRequest) (any, error){
		"main/workers": s.workersData, "main/exceptions": s.exceptionsData, "main/logs": s.logsData,
		"worker/{name}": s.workerData, "task/{name}": s.taskData, "logs/{name}": s.workerLogsData,
		"call-stacks/{name}": s.workerStacksData, "call-stack/{name}": s.taskStackData,
	} {
		pattern := "GET /info/" + path
		if !strings.HasSuffix(path, "}") {
			pattern += ".html"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serveInfo(w, r, f) })
	}
}

// pageRequest is one request for a page; the page's function chooses the template.
type pageRequest struct {
	ctx      context.Context
	name     string // of the worker or task
	template string
}

// noPage says that there is nothing of that name.
type noPage struct{ text string }

func (e *noPage) Error() string { return e.text }

func (s *Scheduler) serveInfo(w http.ResponseWriter, r *http.Request, fill func(*pageRequest) (any, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), pageBound)
	defer cancel()
	name, html := strings.CutSuffix(r.PathValue("name"), ".html")
	if r.PathValue("name") != "" && !html {
		http.NotFound(w, r)
		return
	}
	q := &pageRequest{ctx: ctx, name: name}
	data, err := fill(q)
	status := http.StatusOK
	if missing, ok := err.(*noPage); ok { //nolint:errorlint // made two lines up, never wrapped
		status, err = http.StatusNotFound, nil
		q.template, data = "missing", missing.text
	}
	if err != nil {
		http.Error(w, "the scheduler is busy or closing: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	var b bytes.Buffer
	if err := s.fillPage(&b, q.template, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // nobody can be told
}

// fillPage writes one page of people.
func (s *Scheduler) fillPage(to io.Writer, name string, data any) error {
	pages, err := s.pages()
	if err != nil {
		return err
	}
	return pages.ExecuteTemplate(to, name, data)
}

// do runs f on the loop within the request's time.
func (q *pageRequest) do(s *Scheduler, f func()) error { return s.loop.do(q.ctx, f) }

// clock shows a time to people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }
