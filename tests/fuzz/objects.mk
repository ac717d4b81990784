# objects.mk - the fuzzers, compiled by clang with the address and
# undefined-behaviour sanitizers. Called by `make fuzz`, which sets SRCDIR,
# CLANG, FLAGS, LIBRARY, TARGETS and LIBS.
VPATH = $(SRCDIR)
HARDEN = -O1 -g -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
OBJECTS = $(patsubst %.c,fuzz/%.o,$(filter %.c,$(LIBRARY))) \
	fuzz/tests/fuzz/fuzz.o
PROGRAMS = $(patsubst tests/fuzz/%,fuzz/%,$(TARGETS))

all: $(PROGRAMS)
.SECONDARY:

fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(FLAGS) $(HARDEN) -DFUZZ_LIBFUZZER -fsanitize=fuzzer-no-link -MMD -c -o $@ $<
fuzz/libocellus.a: $(OBJECTS)
	@rm -f $@
	ar rcs $@ $(OBJECTS)
$(PROGRAMS): fuzz/%: fuzz/tests/fuzz/%.o fuzz/libocellus.a
	$(CLANG) $(HARDEN) -fsanitize=fuzzer -o $@ $< fuzz/libocellus.a $(LIBS)

-include $(OBJECTS:.o=.d) $(patsubst %,fuzz/%.d,$(TARGETS))
