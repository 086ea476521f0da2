package deploy

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// query is one of a panel, without variables of Grafana.
type query struct{ panel, expr, legend string }

var legendLabels = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

type dashboard struct {
	UID        string
	Panels     []panel
	Templating struct {
		List []struct {
			Name, Type string
			Query      struct{ Query string }
		}
	}
}

type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource struct{ UID string }
	GridPos    struct{ X, Y, W, H int }
	Targets    []struct {
		Expr         string
		LegendFormat string
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "grafana/moqedge.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// dashboardQueries are those of all panels and variables.
func dashboardQueries(t *testing.T) (all []query) {
	t.Helper()
	plain := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$job", "moqedge", "$instance", ".*")
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, x := range p.Targets {
			all = append(all, query{p.Title, plain.Replace(x.Expr), x.LegendFormat})
		}
	}
	values := regexp.MustCompile(`^label_values\((.*), (job|instance)\)$`)
	for _, v := range d.Templating.List {
		m := values.FindStringSubmatch(v.Query.Query)
		if m == nil {
			t.Fatalf("variable %s: %q", v.Name, v.Query.Query)
		}
		all = append(all, query{"variable " + v.Name, plain.Replace(m[1]), ""})
	}
	return all
}

// The dashboard has rows for what an operator asks, panels that do not overlap, and the
// data source that is provisioned beside it, where the provisioning looks for it.
func TestDashboard(t *testing.T) {
	var sources struct {
		Datasources []struct{ UID, URL string }
	}
	if err := yaml.Unmarshal([]byte(read(t, "grafana/datasource.yaml")), &sources); err != nil || len(sources.Datasources) != 1 {
		t.Fatal(err, sources)
	}
	d := readDashboard(t)
	ids, taken := map[int]bool{}, map[[2]int]string{}
	rows := map[string]int{}
	row := ""
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q is over %q at %d, %d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			row = p.Title
			continue
		}
		rows[row]++
		if p.Datasource.UID != sources.Datasources[0].UID || len(p.Targets) == 0 {
			t.Errorf("%q has the data source %q and %d queries", p.Title, p.Datasource.UID, len(p.Targets))
		}
	}
	for _, want := range []string{"Viewers", "Traffic by role and region", "Delay", "What viewers miss", "Cache", "Errors and limits", "Relays above", "Process"} {
		if rows[want] < 2 {
			t.Errorf("the row %q has %d panels", want, rows[want])
		}
	}
	var provisioning struct {
		Providers []struct{ Options struct{ Path string } }
	}
	if err := yaml.Unmarshal([]byte(read(t, "grafana/dashboards.yaml")), &provisioning); err != nil || len(provisioning.Providers) != 1 {
		t.Fatal(err, provisioning)
	}
	mounted := map[string]string{} // by the folder or file in the container
	for _, v := range composeProject(t).Services["grafana"].Volumes {
		mounted[v.Target] = filepath.Base(v.Source)
	}
	if mounted[provisioning.Providers[0].Options.Path+"/moqedge.json"] != "moqedge.json" {
		t.Errorf("the dashboard is not where it is looked for: %v", mounted)
	}
	if u := sources.Datasources[0].URL; u != "http://prometheus:9090" || composeProject(t).Services["prometheus"].Name == "" {
		t.Errorf("there is no service at %s", u)
	}
}

// adapterQueries are those of the rule that the chart has for the Prometheus adapter.
func adapterQueries(t *testing.T) []string {
	t.Helper()
	var rules []struct {
		SeriesQuery  string
		MetricsQuery string
		Name         struct{ As string }
	}
	if err := yaml.Unmarshal([]byte(read(t, "helm/adapter.yaml")), &rules); err != nil || len(rules) != 1 || rules[0].Name.As != "moqedge_viewers" {
		t.Fatal(err, rules)
	}
	return []string{
		rules[0].SeriesQuery,
		strings.NewReplacer("<<.GroupBy>>", "namespace,pod", "<<.LabelMatchers>>", `namespace="a",pod=~"b"`).Replace(rules[0].MetricsQuery),
	}
}
