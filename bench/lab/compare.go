package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Progress is told how far things are: the part of the work that is done, 0 to 1,
// and what is being done. It must not block.
type Progress func(done float64, what string)

// Compare runs the rounds of a plan, the systems by turns, in another order each
// round. When ctx ends it returns what there is, without an error, as long as there
// is a round; when a round can not be run, what there is and the error. The result
// says itself when a system has none that counts: see Result.Err.
func Compare(ctx context.Context, p Plan, progress Progress) (Result, error) {
	r, err := p.ready()
	if err != nil {
		return Result{}, err
	}
	x := Result{
		Began: time.Now(), Command: CommandLine(os.Args), Machine: thisMachine(), Versions: versions(),
		Plan: r.Plan.shown(), Link: r.line, Bitrate: r.source.Bitrate(), Differences: differences(r),
	}
	total := r.Rounds * len(r.Systems)
	var failed error
	each := r.warm + r.Duration + drain + time.Second
	for i := range total {
		number := i/len(r.Systems) + 1
		s := r.Systems[(i+number-1)%len(r.Systems)] // who goes first changes
		began := time.Now()
		round, err := r.round(ctx, s, number, func(what string) {
			part := min(time.Since(began).Seconds()/each.Seconds(), 1)
			progress((float64(i)+part)/float64(total), fmt.Sprintf("round %d of %d, %s: %s", number, r.Rounds, s, what))
		})
		if ctx.Err() != nil {
			x.Interrupted = true
			break
		}
		if err != nil {
			failed = fmt.Errorf("round %d, %s: %w", number, s, err)
			break
		}
		x.Rounds = append(x.Rounds, round)
	}
	if len(x.Rounds) == 0 {
		return x, errors.Join(failed, context.Cause(ctx))
	}
	x.Took = time.Since(x.Began)
	x.Systems, err = summarize(r.Systems, r.Baseline, x.Rounds)
	return x, errors.Join(failed, err)
}

// ErrSaturated says that a system has no round that counts.
var ErrSaturated = errors.New("no result can be stated")

// ErrLost says that a server that was there already lost viewers.
var ErrLost = errors.New("viewers were lost")

// Err returns an error when there is a system without a round that counts, or a server
// that was there already lost viewers, with the reasons. When systems of our own are
// compared that is a result like any other.
func (x Result) Err() error {
	return errors.Join(x.refused(), x.lost())
}

func (x Result) lost() error {
	if x.Plan.Target == nil {
		return nil
	}
	for _, round := range x.Rounds {
		if len(round.Lost) > 0 && len(round.Invalid) == 0 {
			return fmt.Errorf("%w: round %d: %s", ErrLost, round.Number, strings.Join(round.Lost, ", "))
		}
	}
	return nil
}

func (x Result) refused() error {
	var reasons []string
	for _, s := range x.Systems {
		if s.Valid > 0 {
			continue
		}
		for _, round := range x.Rounds {
			if round.System == s.System {
				reasons = append(reasons, fmt.Sprintf("%s, round %d: %s", s.System, round.Number, strings.Join(round.Invalid, ", ")))
			}
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrSaturated, strings.Join(reasons, "; "))
}
