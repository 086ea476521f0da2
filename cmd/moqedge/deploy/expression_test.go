package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// exported are the metrics that nodes tell: by name the labels, by label the values.
type exported map[string]map[string]map[string]bool

// add reads what one node tells.
func (e exported) add(t *testing.T, text string) {
	t.Helper()
	families, err := (func() *expfmt.TextParser { p := expfmt.NewTextParser(model.UTF8Validation); return &p }()).TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			has := map[string]string{}
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			names := []string{name}
			switch {
			case m.Histogram != nil:
				names = []string{name + "_sum", name + "_count"}
				e.note(name+"_bucket", has, "le", "+Inf")
			case m.Summary != nil:
				names = []string{name + "_sum", name + "_count"}
				for _, q := range m.Summary.GetQuantile() {
					e.note(name, has, "quantile", fmt.Sprint(q.GetQuantile()))
				}
			}
			for _, n := range names {
				e.note(n, has)
			}
		}
	}
}

// note adds a series, with some more labels.
func (e exported) note(name string, has map[string]string, more ...string) {
	if e[name] == nil {
		e[name] = map[string]map[string]bool{}
	}
	add := func(label, value string) {
		if e[name][label] == nil {
			e[name][label] = map[string]bool{}
		}
		e[name][label][value] = true
	}
	for l, v := range has {
		add(l, v)
	}
	for i := 0; i < len(more); i += 2 {
		add(more[i], more[i+1])
	}
}

// scraped are the labels that Prometheus gives to what it scrapes.
func scraped() []string { return []string{"job", "instance"} }

// rare are values of labels that no healthy node tells of, with the metric.
func rare() map[string]bool {
	return map[string]bool{"moqedge_sessions_ended_total code LOST": true}
}

// check parses an expression and says what in it no node tells. more are labels that
// the series get on their way, besides those of scraped.
func (e exported) check(expression string, more ...string) (faults []string) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return []string{err.Error()}
	}
	allowed := append(scraped(), more...)
	known := func(metric, label string) bool {
		return slices.Contains(allowed, label) || e[metric][label] != nil
	}
	selectors := 0
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			selectors++
			if n.Name == "up" { // Prometheus tells it
				return nil
			}
			if e[n.Name] == nil {
				faults = append(faults, fmt.Sprintf("no node tells %s", n.Name))
				return nil
			}
			for _, m := range n.LabelMatchers {
				switch {
				case m.Name == labels.MetricName || slices.Contains(allowed, m.Name):
				case e[n.Name][m.Name] == nil:
					faults = append(faults, fmt.Sprintf("%s has no label %s", n.Name, m.Name))
				case m.Type == labels.MatchEqual && !e[n.Name][m.Name][m.Value] && !rare()[n.Name+" "+m.Name+" "+m.Value]:
					faults = append(faults, fmt.Sprintf("%s has no %s=%q, but %q", n.Name, m.Name, m.Value, slices.Sorted(maps.Keys(e[n.Name][m.Name]))))
				}
			}
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				parser.Inspect(n.Expr, func(inner parser.Node, _ []parser.Node) error {
					if v, ok := inner.(*parser.VectorSelector); ok && v.Name != "up" && e[v.Name] != nil && !known(v.Name, label) {
						faults = append(faults, fmt.Sprintf("%s can not be grouped by %s", v.Name, label))
					}
					return nil
				})
			}
		}
		return nil
	})
	if selectors == 0 {
		faults = append(faults, "no metric is in it")
	}
	return faults
}

// results are the labels that what an expression returns may have.
func (e exported) results(expression string) map[string]bool {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return nil
	}
	all := map[string]bool{}
	var look func(n parser.Node)
	look = func(n parser.Node) {
		switch n := n.(type) {
		case *parser.AggregateExpr:
			if !n.Without {
				for _, l := range n.Grouping {
					all[l] = true
				}
				return
			}
		case *parser.VectorSelector:
			for _, l := range scraped() {
				all[l] = true
			}
			for l := range e[n.Name] {
				all[l] = true
			}
		}
		for c := range parser.ChildrenIter(n) {
			look(c)
		}
	}
	look(expr)
	return all
}

var labelsNamed = regexp.MustCompile(`\$labels\.(\w+)`)

// told are the metrics of real nodes: those of the tree while a viewer watches, of one
// that has lost the relay above it, and of one of a cluster.
func told(t *testing.T) exported {
	t.Helper()
	origin, shield, edge := tree(t)
	run(t, environ(), "pub", "--json", "moqt://"+origin.Relay, "cam1", "--fingerprint", origin.Fingerprint)
	lost := serve(t, "compose/edge.yaml", here(t, "lost", "MOQEDGE_UPSTREAM_URL=moqt://127.0.0.1:9", "MOQEDGE_UPSTREAM_FINGERPRINT_URL=http://127.0.0.1:9/"))
	certificate, key := certificate(t, "clustered")
	clustered := serve(t, "", environ("MOQEDGE_LISTEN=127.0.0.1:0", "MOQEDGE_HTTP=off", "MOQEDGE_BRIDGE=off", "MOQEDGE_ADMIN_LISTEN=127.0.0.1:0", "MOQEDGE_ADMIN_TOKEN="+adminToken,
		"MOQEDGE_CLUSTER_URL=moqt://clustered.example", "MOQEDGE_CERTIFICATE_DEVELOPMENT=false", "MOQEDGE_CERTIFICATE_CERT="+certificate, "MOQEDGE_CERTIFICATE_KEY="+key))
	if text, code := watch(t, edge, "cam1", "50"); code != 0 { // a session that ends
		t.Fatalf("code %d: %s", code, text)
	}
	run(t, environ(), "sub", "https://"+edge.Relay+"/live", "cam1", "--json", "--fingerprint", edge.Fingerprint)
	run(t, environ(), "pub", "--json", "moqt://"+edge.Relay, "cam2", "--fingerprint", edge.Fingerprint)
	eventually(t, "a viewer, and a publisher that is refused", func() bool {
		_, text := edge.get("/metrics", adminToken)
		return strings.Contains(text, `moqedge_request_errors_total{`) && strings.Contains(text, `moqedge_sessions{draft="moqt-18",role="client"`) && strings.Contains(text, `moqedge_sessions_ended_total{`)
	})
	all := exported{}
	for _, n := range []node{origin, shield, edge, lost, clustered} {
		code, text := n.get("/metrics", adminToken)
		if code != 200 {
			t.Fatalf("%d: %s", code, text)
		}
		all.add(t, text)
	}
	return all
}

// Every metric, label and value that the alert rules, the dashboard and the rule of the
// adapter name is told by nodes that run.
func TestExpressions(t *testing.T) {
	t.Parallel()
	all := told(t)
	for _, r := range alertRules(t) {
		for _, fault := range all.check(r.Expr) {
			t.Errorf("%s: %s", r.Alert, fault)
		}
		has := all.results(r.Expr)
		for key, text := range r.Annotations {
			for _, m := range labelsNamed.FindAllStringSubmatch(text, -1) {
				if !has[m[1]] {
					t.Errorf("%s: %s: what is found has no label %s", r.Alert, key, m[1])
				}
			}
		}
	}
	queries := dashboardQueries(t)
	for _, q := range queries {
		for _, fault := range all.check(q.expr) {
			t.Errorf("panel %q: %s: %s", q.panel, q.expr, fault)
		}
		has := all.results(q.expr)
		for _, m := range legendLabels.FindAllStringSubmatch(q.legend, -1) {
			if !has[m[1]] {
				t.Errorf("panel %q: %s: no label %s for %q", q.panel, q.expr, m[1], q.legend)
			}
		}
	}
	for _, expr := range adapterQueries(t) {
		for _, fault := range all.check(expr, "namespace", "pod") {
			t.Errorf("adapter: %s: %s", expr, fault)
		}
	}

	for expr, want := range map[string]string{ // the check finds what it is for
		`sum(moqedge_viewers)`:                       "no node tells moqedge_viewers",
		`moqedge_sessions{kind="client"}`:            "has no label kind",
		`moqedge_sessions{role="viewer"}`:            `has no role="viewer"`,
		`sum by (region) (moqedge_sessions)`:         "can not be grouped by region",
		`rate(moqedge_sent_bytes_total[5m]`:          "unclosed left parenthesis",
		`rate(moqedge_sessions)`:                     "expected type range vector",
		`moqedge_rtt_seconds > 1`:                    "no node tells moqedge_rtt_seconds",
		`1 + 1`:                                      "no metric is in it",
		`moqedge_sessions_ended_total{code="LOOST"}`: `has no code="LOOST"`,
	} {
		if faults := strings.Join(all.check(expr), "; "); !strings.Contains(faults, want) {
			t.Errorf("%s: %q is not found, but %q", expr, want, faults)
		}
	}
	if has := all.results(`sum by (instance) (moqedge_sessions)`); has["role"] || !has["instance"] {
		t.Errorf("results of a sum: %v", has)
	}
}
