package deploy

import (
	"context"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"sigs.k8s.io/yaml"
)

const alerts = "prometheus/alerts.yml"

// alertRules are the rules as Prometheus reads them.
func alertRules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(alerts, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 || len(groups.Groups) != 1 {
		t.Fatal(errs)
	}
	return groups.Groups[0].Rules
}

// alertTests is a file of promtool's test rules; what of it these rules need.
type alertTests struct {
	RuleFiles          []string       `json:"rule_files"`
	EvaluationInterval model.Duration `json:"evaluation_interval"`
	Tests              []struct {
		Name     string         `json:"name"`
		Interval model.Duration `json:"interval"`
		Series   []struct {
			Series string `json:"series"`
			Values string `json:"values"`
		} `json:"input_series"`
		Alerts []struct {
			At    model.Duration `json:"eval_time"`
			Alert string         `json:"alertname"`
			Want  []struct {
				Labels      map[string]string `json:"exp_labels"`
				Annotations map[string]string `json:"exp_annotations"`
			} `json:"exp_alerts"`
		} `json:"alert_rule_test"`
	} `json:"tests"`
}

// series is a storage of made series.
type series []storage.Series

// parseSeries makes a series of promtool's notation.
func parseSeries(t *testing.T, what, values string, every time.Duration) storage.Series {
	t.Helper()
	l, sequence, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(what + " " + values)
	if err != nil {
		t.Fatal(err)
	}
	var all []chunks.Sample
	for i, v := range sequence {
		if !v.Omitted {
			all = append(all, sample{time.Duration(i) * every, v.Value})
		}
	}
	return storage.NewListSeries(l, all)
}

// sample is one of a series, a time after its beginning.
type sample struct {
	at    time.Duration
	value float64
}

// T and the methods after it implement chunks.Sample.
func (s sample) T() int64                      { return s.at.Milliseconds() }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// set are the series that a selector has found; at is the present one.
type set struct {
	series []storage.Series
	at     int
}

// Next and the methods after it implement storage.SeriesSet.
func (s *set) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *set) At() storage.Series                { return s.series[s.at] }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

// Querier implements storage.Queryable.
func (s series) Querier(_, _ int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &set{at: -1}
		for _, x := range s {
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(x.Labels().Get(m.Name)) }) {
				found.series = append(found.series, x)
			}
		}
		return found
	}}, nil
}

// firing is an alert that fires.
type firing struct{ labels, annotations map[string]string }

// evaluate says which alerts of a rule fire at a time: those that the expression has found
// at each evaluation for as long as the rule waits.
func (s series) evaluate(t *testing.T, r rulefmt.Rule, at, every time.Duration) (all []firing) {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: 10 * time.Second, Parser: parser.NewParser(parser.Options{}),
		NoStepSubqueryIntervalFn: func(int64) int64 { return every.Milliseconds() }})
	found := func(at time.Duration) map[string]promql.Sample {
		q, err := engine.NewInstantQuery(t.Context(), s, nil, r.Expr, time.UnixMilli(at.Milliseconds()))
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		v, err := q.Exec(t.Context()).Vector()
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]promql.Sample{}
		for _, x := range v {
			all[x.Metric.DropReserved(func(name string) bool { return name == labels.MetricName }).String()] = x
		}
		return all
	}
	now := found(at)
next:
	for _, key := range slices.Sorted(maps.Keys(now)) {
		for ago := every; ago <= time.Duration(r.For); ago += every {
			if _, then := found(at - ago)[key]; !then {
				continue next
			}
		}
		x := now[key]
		f := firing{x.Metric.Map(), map[string]string{}}
		delete(f.labels, labels.MetricName)
		data := template.AlertTemplateData(f.labels, nil, "", x)
		for name, text := range r.Annotations {
			text = `{{$labels := .Labels}}{{$value := .Value}}` + text
			said, err := template.NewTemplateExpander(context.Background(), text, r.Alert, data, model.Time(at.Milliseconds()), nil, &url.URL{}, []string{"missingkey=error"}).Expand()
			if err != nil {
				t.Errorf("%s: %s: %v", r.Alert, name, err)
			}
			f.annotations[name] = said
		}
		maps.Copy(f.labels, r.Labels)
		all = append(all, f)
	}
	return all
}

// Each rule fires on the series that alerts_test.yml has for it, in the words that it has,
// and on none of those that are healthy.
func TestAlerts(t *testing.T) {
	var file alertTests
	if err := yaml.UnmarshalStrict([]byte(read(t, "prometheus/alerts_test.yml")), &file); err != nil {
		t.Fatal(err)
	}
	rules := map[string]rulefmt.Rule{}
	for _, r := range alertRules(t) {
		rules[r.Alert] = r
	}
	fired, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		var all series
		for _, s := range test.Series {
			all = append(all, parseSeries(t, s.Series, s.Values, time.Duration(test.Interval)))
		}
		for _, a := range test.Alerts {
			r, known := rules[a.Alert]
			if !known {
				t.Fatalf("%s: there is no rule %s", test.Name, a.Alert)
			}
			got := all.evaluate(t, r, time.Duration(a.At), time.Duration(file.EvaluationInterval))
			if len(got) == 0 {
				quiet[a.Alert] = true
			} else {
				fired[a.Alert] = true
			}
			var want []firing
			for _, w := range a.Want {
				want = append(want, firing{w.Labels, w.Annotations})
			}
			if !slices.EqualFunc(got, want, func(a, b firing) bool {
				return maps.Equal(a.labels, b.labels) && maps.Equal(a.annotations, b.annotations)
			}) {
				t.Errorf("%s: %s after %v:\n got %v\nwant %v", test.Name, a.Alert, a.At, got, want)
			}
		}
	}
	for name := range rules {
		if !fired[name] || !quiet[name] {
			t.Errorf("%s: that it fires is tested: %t, that it does not: %t", name, fired[name], quiet[name])
		}
	}
}

// The runbook of each rule is a heading of the handbook.
func TestRunbooks(t *testing.T) {
	headings := anchors(read(t, root+"/docs/operating.md"))
	for _, r := range alertRules(t) {
		page, anchor, _ := strings.Cut(r.Annotations["runbook"], "#")
		if page != "docs/operating.md" || !headings[anchor] {
			t.Errorf("%s: there is no %q", r.Alert, r.Annotations["runbook"])
		}
		if r.Labels["severity"] != "page" && r.Labels["severity"] != "ticket" || r.Annotations["summary"] == "" {
			t.Errorf("%s: severity %q, summary %q", r.Alert, r.Labels["severity"], r.Annotations["summary"])
		}
	}
	if headings := anchors("# A, b!\n\ntext # no\n### C-d e\n```\n# not one\n```\n"); !maps.Equal(headings, map[string]bool{"a-b": true, "c-d-e": true}) {
		t.Errorf("headings are %v", headings)
	}
}

var (
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced    = regexp.MustCompile("(?ms)^```.*?^```$")
	notAnchor = regexp.MustCompile(`[^\w\- ]`)
)

// anchors are those of the headings of a page.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		all[strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return all
}
