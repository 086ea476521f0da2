package wire

import (
	"testing"
)

func TestGaps(t *testing.T) {
	none := Option[uint64]{}
	for _, c := range []struct {
		name          string
		in            []byte
		group, object Option[uint64]
	}{
		{"nothing", nil, none, none},
		{"both", unhex("3c 02 02 03"), Some(uint64(2)), Some(uint64(3))},
		{"zero is a gap of nothing", unhex("3c 00"), Some(uint64(0)), none},
		{"largest", unhex("3e ff ffffffffffffffff"), none, Some(uint64(1<<64 - 1))},
		{"inside immutable", unhex("0b 04 3c 02 02 03"), Some(uint64(2)), Some(uint64(3))},
		{"one inside, one outside", unhex("0b 02 3c 02 33 07"), Some(uint64(2)), Some(uint64(7))},
		{"empty immutable", unhex("0b 00"), none, none},
		{"others may repeat", unhex("38 01 00 02"), none, none},
		{"around the mandatory range", unhex("bfff 00 c04001 01"), none, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			group, object, fault := Properties(c.in).Gaps()
			if group != c.group || object != c.object || fault != nil {
				t.Fatalf("%v, %v, %v, want %v, %v", group, object, fault, c.group, c.object)
			}
		})
	}
}

func TestGapFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want PropertyFault
	}{
		{"group gap twice", unhex("3c 02 00 02"), PropertyFault{FaultRepeated, PropPriorGroupGap}},
		{"group gap twice, other value", unhex("3c 02 00 03"), PropertyFault{FaultRepeated, PropPriorGroupGap}},
		{"object gap twice", unhex("3e 02 00 02"), PropertyFault{FaultRepeated, PropPriorObjectGap}},
		{"object gap inside and outside", unhex("0b 02 3e 02 33 02"), PropertyFault{FaultRepeated, PropPriorObjectGap}},
		{"object gap twice inside", unhex("0b 04 3e 02 00 02"), PropertyFault{FaultRepeated, PropPriorObjectGap}},
		{"immutable twice", unhex("0b 00 00 00"), PropertyFault{FaultRepeated, PropImmutable}},
		{"immutable nested", unhex("0b 02 0b 00"), PropertyFault{FaultNested, PropImmutable}},
		{"immutable cut inside", unhex("0b 02 3d 05"), PropertyFault{FaultUnparsable, 0}},
		{"immutable cut inside, second pair", unhex("0b 03 3c 05 02"), PropertyFault{FaultUnparsable, PropPriorGroupGap}},
		{"cut outside", unhex("3c"), PropertyFault{FaultUnparsable, 0}},
		{"type overflow inside", unhex("0b 0b 02 00 ff ffffffffffffffff"), PropertyFault{FaultUnparsable, 2}},
		{"first mandatory", unhex("c04000 01"), PropertyFault{FaultMandatory, 0x4000}},
		{"last mandatory inside", unhex("0b 04 c07fff 00"), PropertyFault{FaultMandatory, 0x7FFF}},
	} {
		t.Run(c.name, func(t *testing.T) {
			group, object, fault := Properties(c.in).Gaps()
			if fault == nil || *fault != c.want || group.Set || object.Set {
				t.Fatalf("%v, %v, %+v, want %+v", group, object, fault, c.want)
			}
			if fault.Error() == "" {
				t.Error("a fault says nothing")
			}
		})
	}
}

func TestGapsDoNotAllocate(t *testing.T) {
	p := Properties(unhex("0a 85dc 01 02 3c 02 33 07"))
	allocs := testing.AllocsPerRun(100, func() {
		if group, object, fault := p.Gaps(); fault != nil || group.Value != 2 || object.Value != 7 {
			t.Fatal(group, object, fault)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
