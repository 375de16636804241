"""libengram.so from Python: counters and histograms of this process, with labels {"name": "value"}."""
import ctypes

from live import BUILD


class Slot(ctypes.Structure):
    _fields_ = [("blocks", ctypes.c_void_p), ("slot", ctypes.c_void_p)]


class Histogram(ctypes.Structure):
    _fields_ = [("at", Slot), ("bounds", ctypes.c_void_p), ("cells", ctypes.c_uint32),
                ("first", ctypes.c_int32)]


class Text(ctypes.Structure):
    _fields_ = [("at", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class Label(ctypes.Structure):
    _fields_ = [("name", Text), ("value", Text)]


class Spec(ctypes.Structure):
    _fields_ = [("name", Text), ("help", Text), ("unit", Text), ("labels", ctypes.POINTER(Label)),
                ("label_count", ctypes.c_size_t), ("bounds", ctypes.POINTER(ctypes.c_double)),
                ("bound_count", ctypes.c_size_t), ("shown", ctypes.POINTER(ctypes.c_double)),
                ("shown_count", ctypes.c_size_t), ("least", ctypes.c_double), ("most", ctypes.c_double),
                ("merge", ctypes.c_int), ("shared", ctypes.c_int), ("absolute", ctypes.c_int),
                ("per_octave", ctypes.c_int)]


def text(string):
    return Text(string.encode(), len(string.encode()))


class Engram:
    """Attached to the region directory that ENGRAM_DIR names."""

    def __init__(self, process):
        self.library = library = ctypes.CDLL(f"{BUILD}/libengram.so")
        library.engram_reason.restype = ctypes.c_char_p
        library.engram_counter_add.argtypes = [Slot, ctypes.c_uint64]
        library.engram_histogram_record.argtypes = [Histogram, ctypes.c_double]
        for name, result in (("engram_counter_register", Slot), ("engram_histogram_register", Histogram)):
            getattr(library, name).restype = result
        if library.engram_attach(process.encode()):
            raise OSError("attach: " + library.engram_reason().decode())

    def counter(self, name, labels):
        """What adds to it."""
        counter = self.library.engram_counter_register(spec(name, labels))
        return lambda value: self.library.engram_counter_add(counter, value)

    def histogram(self, name, labels, bounds=(), per_octave=0):
        """What records a value."""
        histogram = self.library.engram_histogram_register(spec(name, labels, bounds, per_octave))
        return lambda value: self.library.engram_histogram_record(histogram, value)


def spec(name, labels, bounds=(), per_octave=0):
    pairs = [Label(text(label), text(value)) for label, value in labels.items()]
    return ctypes.byref(Spec(name=text(name), help=text("Of a test."), labels=(Label * len(pairs))(*pairs),
                             label_count=len(pairs), bounds=(ctypes.c_double * len(bounds))(*bounds),
                             bound_count=len(bounds), per_octave=per_octave))
