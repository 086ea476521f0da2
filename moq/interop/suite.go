package interop

import "context"

// Suite is a number of cases done one after the other.
type Suite struct {
	Config Config
	Cases  []Case
	// Unknown are names of cases that were asked for and do not exist here;
	// they are reported as skipped.
	Unknown []string
	// Report is told of everything. Required.
	Report Report
	// Verbose reports also the steps of each case.
	Verbose bool
}

// Report writes down what a suite does; its methods are called by one
// goroutine. TAP and JSON implement it.
type Report interface {
	// Begin is called once, with the number of results that are planned.
	Begin(c *Config, planned int)
	// Step tells what a case is about to do or to wait for.
	Step(name, text string)
	// Result tells how a case ended.
	Result(r Result)
	// Bail is called when there is no use in going on.
	Bail(reason string)
}

// Summary counts results.
type Summary struct {
	Passed, Failed, Skipped int
	// Bailed says that not all cases were done.
	Bailed bool
}

// OK reports whether everything asked for was done and passed.
func (s Summary) OK() bool { return s.Failed == 0 && s.Skipped == 0 && !s.Bailed }

// Run does the cases. It ends early, with Report.Bail, when ctx is done or when
// there is no connection to the relay.
func (s *Suite) Run(ctx context.Context) Summary {
	var sum Summary
	s.Report.Begin(&s.Config, len(s.Cases)+len(s.Unknown))
	for _, k := range s.Cases {
		var step func(string)
		if s.Verbose {
			step = func(text string) { s.Report.Step(k.Name, text) }
		}
		r := s.Config.Run(ctx, k, step)
		if ctx.Err() != nil {
			sum.Bailed = true
			s.Report.Bail(errInterrupted.Error())
			return sum
		}
		s.Report.Result(r)
		if r.Outcome == Passed {
			sum.Passed++
			continue
		}
		sum.Failed++
		if r.Fatal {
			sum.Bailed = true
			s.Report.Bail(r.Message)
			return sum
		}
	}
	for _, name := range s.Unknown {
		sum.Skipped++
		s.Report.Result(Result{Name: name, Outcome: Skipped, Message: "not supported by this client"})
	}
	return sum
}
