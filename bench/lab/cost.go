package lab

import (
	"moqedge/bench/process"
	"moqedge/bench/tally"
)

// costs works out what each server used. bare is what it was like before anybody
// connected.
func (m meter) costs(bare []process.Usage, got tally.Metrics) []Cost {
	costs := make([]Cost, len(m.after))
	for i, after := range m.after {
		before := m.before[i]
		span := after.At.Sub(before.At).Seconds()
		c := Cost{
			CPU: after.CPU() - before.CPU(), Kernel: after.System - before.System,
			Resident: uint64(m.resident[i]), Peak: after.PeakResident, Goroutines: after.Goroutines,
			Voluntary: after.Voluntary - before.Voluntary, Involuntary: after.Involuntary - before.Involuntary,
		}
		c.Cores = c.CPU.Seconds() / span
		if got.Goodput > 0 {
			c.PerGigabyte = c.Cores / (got.Goodput / 8) * 1e9
		}
		if got.Viewers > 0 {
			c.PerViewer = c.Cores / float64(got.Viewers)
			c.OfViewer = (m.resident[i] - float64(bare[i].Resident)) / float64(got.Viewers)
		}
		costs[i] = c
	}
	return costs
}
