package lab

import (
	"slices"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/process"
)

// mark notes what things are like when the window begins.
func (l *loadRole) mark() (err error) {
	if l.drops, err = socketDrops(); err != nil {
		return err
	}
	if l.machine, err = measureMachine(); err != nil {
		return err
	}
	u, err := process.Measure()
	if err != nil {
		return err
	}
	l.sender.Lateness() // of before, which is of no interest
	l.usage, l.wire, l.ticker = u.CPU(), l.passed(), newTicker()
	return nil
}

// passed is what has passed the lines so far.
func (l *loadRole) passed() (c link.Counters) {
	for _, line := range l.lines {
		c.Add(line.Counters())
	}
	return c
}

// count works out what the window was like. It is asked for when its last frames
// have had their time.
func (l *loadRole) count() (c counted, err error) {
	from := l.from()
	to := from.Add(l.config.Plan.Duration)
	span := time.Since(from)
	u, err := process.Measure()
	if err != nil {
		return c, err
	}
	machine, err := measureMachine()
	if err != nil {
		return c, err
	}
	drops, err := socketDrops()
	if err != nil {
		return c, err
	}
	c.Wire = link.Counters{Down: less(l.ended.Down, l.wire.Down), Up: less(l.ended.Up, l.wire.Up)}
	c.Load = Saturation{
		Publisher: l.sender.Lateness(), Turns: l.ticker.late.Quantiles(),
		Drops: (drops - min(l.drops, drops)) * l.config.System.perMessage(), Overrun: c.Wire.Down.Overrun + c.Wire.Up.Overrun,
		Cores: (u.CPU() - l.usage).Seconds() / span.Seconds(), Machine: machine.since(l.machine),
	}
	c.Metrics = l.board.Window(from, to)
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Draft, c.Failed = l.draft, slices.Clone(l.failed)
	return c, nil
}

func less(a, b link.Direction) link.Direction {
	return link.Direction{
		Packets: a.Packets - b.Packets, Bytes: a.Bytes - b.Bytes,
		Arrived: a.Arrived - b.Arrived, ArrivedBytes: a.ArrivedBytes - b.ArrivedBytes,
		Lost: a.Lost - b.Lost, Dropped: a.Dropped - b.Dropped, Overrun: a.Overrun - b.Overrun,
	}
}
