package live

import "moqedge/moq/wire"

// Close ends the subgroup as a FIN does: it holds all its objects. It returns
// ErrClosed, ErrOrder when an object is not complete, or a *MalformedError.
func (w *SubgroupWriter) Close() error {
	switch {
	case w.closed:
		return ErrClosed
	case w.fault != nil:
		return w.malformed(w.fault)
	case w.position != w.size:
		w.leave(Aborted, wire.ResetInternalError)
		return ErrOrder
	}
	if w.started {
		t, s := w.track, w.subgroup
		t.mu.Lock()
		err := s.finalAt(w.last, w.endOfGroup)
		t.mu.Unlock()
		if err != nil {
			return w.malformed(err)
		}
	}
	w.leave(Finished, 0)
	return nil
}

// Abort ends the subgroup as a reset does: more objects may exist.
func (w *SubgroupWriter) Abort(code wire.ResetCode) { w.leave(Aborted, code) }

// Interrupt ends the writer because its source is lost: with Options.Recover
// another writer is expected, else it is an abort.
func (w *SubgroupWriter) Interrupt() {
	if w.track.options.Recover {
		w.leave(Waiting, 0)
	} else {
		w.leave(Aborted, wire.ResetInternalError)
	}
}

// malformed ends the writer.
func (w *SubgroupWriter) malformed(err *MalformedError) error {
	w.leave(Aborted, wire.ResetMalformedTrack)
	return err
}

func (w *SubgroupWriter) leave(to State, code wire.ResetCode) {
	if w.closed {
		return
	}
	w.closed = true
	w.release()
	t, s := w.track, w.subgroup
	t.mu.Lock()
	defer t.notify() // of a fill too: an object may be incomplete
	defer t.mu.Unlock()
	if !w.filling {
		s.leftAs(to, code)
	}
	if s.group.lost && !s.group.isWritten() {
		s.group.discharge()
	}
}

// leftAs takes in how a writer ended. The caller holds the track's mu.
func (s *Subgroup) leftAs(to State, code wire.ResetCode) {
	t := s.track
	s.writers--
	switch {
	case to == Finished:
		if s.state != Finished {
			s.finished = t.options.Now()
		}
		s.become(Finished, s.code)
	case s.writers == 0 && s.state != Finished:
		switch {
		case s.filledToEnd():
			to = Finished
		case t.done != nil && to == Waiting:
			to = Aborted
		}
		s.become(to, code)
		t.unsettled = t.unsettled || to == Waiting
	}
}

// filledToEnd reports whether a fetch brought all that is behind the objects of
// the subgroup. The caller holds the track's mu.
func (s *Subgroup) filledToEnd() bool {
	return len(s.track.filled) > 0 && s.track.filled.covers(s.rest())
}

// finalAt notes the final object of the subgroup, as a FIN after it tells, and
// with endOfGroup that of the group (moqt-18 §2.4.2, §11.4.2). A FIN without an
// object before it tells nothing: what it ended may lie before the start of the
// subscription. The caller holds the track's mu.
func (s *Subgroup) finalAt(id uint64, endOfGroup bool) *MalformedError {
	at := wire.Location{Group: s.Group, Object: id}
	if s.final.Set && s.final.Value != id {
		return malformed("subgroup %d of group %d ends at object %d and at %d", s.ID, s.Group, s.final.Value, id)
	}
	if n := len(s.objects); n > 0 && s.objects[n-1].ID > id {
		return malformed("subgroup %d ends at object %v, object %d is beyond", s.ID, at, s.objects[n-1].ID)
	}
	if endOfGroup {
		end := id + 1
		if o := s.group.find(id); o != nil && o.Status != wire.ObjectNormal {
			end = id
		}
		if end != 0 { // beyond the largest ID there is nothing to end
			if err := s.group.judgeEnd(end); err != nil {
				return err
			}
			s.group.endAt(end)
		}
	}
	s.final = wire.Some(id)
	return nil
}

// judge compares a new object with what is known of the subgroup (moqt-18
// §2.4.2); for priorities see contradicts. The caller holds the track's mu.
func (s *Subgroup) judge(a *arrival) *MalformedError {
	switch id := a.at.Object; {
	case a.priority != s.Priority && !a.fetched && !s.fetched:
		return malformed("subgroup %d of group %d has the priorities %d and %d", s.ID, s.Group, s.Priority, a.priority)
	case s.final.Set && id > s.final.Value:
		return malformed("object %d/%d is beyond the final object of subgroup %d, which is %d", s.Group, id, s.ID, s.final.Value)
	}
	return nil
}
