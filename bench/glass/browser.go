package glass

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// ErrNoBrowser reports that there is no Chromium to measure with.
var ErrNoBrowser = errors.New("no Chromium was found")

// names of Chromium's executable, which are looked for on PATH.
func names() []string {
	return []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"}
}

// find returns the file of a Chromium: the one that is named, or else the first on
// PATH.
func find(file string) (string, error) {
	if file != "" {
		path, err := exec.LookPath(file)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoBrowser, err)
		}
		return path, nil
	}
	for _, name := range names() {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: none of %s is on PATH: install one (on Debian: apt-get install chromium) or name its file",
		ErrNoBrowser, strings.Join(names(), ", "))
}

const (
	// startTimeout is for the browser's start, on a machine that does a lot else.
	startTimeout = 30 * time.Second
	// answerTimeout is for an answer of a page.
	answerTimeout = 10 * time.Second
	width, height = 960, 600
)

// tab is a browser with one page. Nothing of it is left after close.
type tab struct {
	ctx     context.Context // of chromedp
	cancel  context.CancelFunc
	version string
}

// open starts a browser that knows nothing yet. resolve is for --host-resolver-rules, ""
// for none. The caller closes the tab.
func open(ctx context.Context, file, resolve string) (*tab, error) {
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(file), chromedp.WSURLReadTimeout(startTimeout), chromedp.WindowSize(width, height),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-default-apps", true), chromedp.Flag("disable-extensions", true),
		// A page that is not in front is painted and timed like one that is.
		chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		// The servers are on this machine, where a browser looks for no peers otherwise.
		chromedp.Flag("allow-loopback-in-peer-connection", true),
	}
	if os.Geteuid() == 0 { // Chromium's sandbox does not work for root
		options = append(options, chromedp.NoSandbox)
	}
	if resolve != "" {
		options = append(options, chromedp.Flag("host-resolver-rules", resolve))
	}
	allocated, end := chromedp.NewExecAllocator(ctx, options...)
	quiet := func(string, ...any) {}
	tabbed, leave := chromedp.NewContext(allocated, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	t := &tab{ctx: tabbed, cancel: func() { leave(); end() }}
	err := chromedp.Do(tabbed) // starts it, with a page
	var v browser.GetVersionResult
	if err == nil {
		v, err = chromedp.CallBrowser(tabbed, browser.GetVersion, cdp.Empty{})
	}
	if err != nil {
		t.close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("start %s: %w", file, err)
	}
	t.version = v.Product
	return t, nil
}

// close ends the browser and waits until it has.
func (t *tab) close() { t.cancel() }

// watch goes to a page and begins to look at its picture.
func (t *tab) watch(url string, r row) error {
	where, err := json.Marshal(r)
	if err != nil {
		return err
	}
	ctx, cancel := t.asking()
	defer cancel()
	script := page.AddScriptToEvaluateOnNewDocumentParams{Source: "(" + lookScript + ")(" + string(where) + ")"}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, script); err != nil {
		return err
	}
	went, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: url})
	if err == nil && went.ErrorText != "" {
		err = fmt.Errorf("%s: %s", url, went.ErrorText)
	}
	return err
}

// taken is what look.js saw since the last time. Times are ms: of looks since the Unix
// epoch, others since the navigation and nil before they were.
type taken struct {
	Looks     [][]float64 `json:"looks"` // time, brightness of each cell
	First     *float64    `json:"first"`
	Play      *float64    `json:"play"`
	Connected *float64    `json:"connected"`
	Failed    string      `json:"failed"`
}

func (t *tab) take() (taken, error) {
	return evaluate[taken](t, "moqedgeGlass.take()")
}

// own is what the player or the peer connection says of itself.
func (t *tab) own() (map[string]float64, error) {
	return evaluate[map[string]float64](t, "moqedgeGlass.own()", chromedp.EvalAwaitPromise)
}

func evaluate[T any](t *tab, expression string, o ...chromedp.EvaluateOption) (T, error) {
	ctx, cancel := t.asking()
	defer cancel()
	x, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, o...))
	if err != nil {
		err = fmt.Errorf("ask the page: %w", err)
	}
	return x, err
}

// picture is what the page shows, as PNG.
func (t *tab) picture() ([]byte, error) {
	ctx, cancel := t.asking()
	defer cancel()
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	return shot.Data, err
}

// asking is a context for one question.
func (t *tab) asking() (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.ctx, answerTimeout)
}
