// SPDX-License-Identifier: GPL-2.0-or-later
//
// The steps from two object files to what changed, each by itself. The objects come from the environment: HOTPATCH_BENCH_ORIGINAL and
// HOTPATCH_BENCH_PATCHED, two builds of one translation unit of Xen, or of Linux with HOTPATCH_BENCH_TARGET=linux. bench/diff --passes
// makes a pair and runs this.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <benchmark/benchmark.h>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/elf/object.h"
#include "common/elf/source_lines.h"
#include "common/elf/type_layout.h"
#include "common/extract/closure.h"
#include "common/target/decode.h"
#include "linux/profile/profile.h"
#include "xen/profile/profile.h"

namespace hotpatch {
namespace {

/// A failure ends the program: a benchmark without its input has nothing to say.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "differ benchmark: %s\n", result.error().message().c_str());
    std::exit(1);
  }
  return *std::move(result);
}

std::string path_from(const char* variable) {
  const char* value = std::getenv(variable);
  if (value != nullptr) return value;
  std::fprintf(stderr, "differ benchmark: set %s to an object file\n", variable);
  std::exit(1);
}

const target::Profile& profile() {
  const char* target = std::getenv("HOTPATCH_BENCH_TARGET");
  return target != nullptr && target == std::string_view("linux") ? kernel::profile() : xen::profile();
}

struct Inputs {
  elf::Object original = must(elf::read_object(path_from("HOTPATCH_BENCH_ORIGINAL")));
  elf::Object patched = must(elf::read_object(path_from("HOTPATCH_BENCH_PATCHED")));
  target::Decoder decoder = must(target::Decoder::make());
  diff::ObjectModel original_model = must(diff::ObjectModel::make(original, profile(), decoder));
  diff::ObjectModel patched_model = must(diff::ObjectModel::make(patched, profile(), decoder));
  diff::Correlation correlation = must(diff::correlate(original_model, patched_model));
  diff::ChangeSet changes = diff::compare(original_model, patched_model, correlation, "unit");
};

Inputs& inputs() {
  static Inputs all;
  return all;
}

void read_object(benchmark::State& state) {
  const std::string path = path_from("HOTPATCH_BENCH_PATCHED");
  for (auto unused : state) benchmark::DoNotOptimize(must(elf::read_object(path)));
}
BENCHMARK(read_object)->Unit(benchmark::kMillisecond);

void take_apart(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state) benchmark::DoNotOptimize(must(diff::ObjectModel::make(in.patched, profile(), in.decoder)));
}
BENCHMARK(take_apart)->Unit(benchmark::kMillisecond);

/// Bytes of code in the object.
std::int64_t text_size(const elf::Object& object) {
  std::int64_t size = 0;
  for (const elf::Section& section : object.sections())
    if (section.is_executable()) size += static_cast<std::int64_t>(section.size);
  return size;
}

/// Every instruction once, with the places of its fields.
void decode(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state)
    for (const elf::Section& section : in.original.sections())
      if (section.is_executable()) benchmark::DoNotOptimize(in.decoder.decode(section.contents));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * text_size(in.original));
}
BENCHMARK(decode)->Unit(benchmark::kMillisecond);

void read_types(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state) benchmark::DoNotOptimize(elf::read_types(in.patched));
}
BENCHMARK(read_types)->Unit(benchmark::kMillisecond);

void read_lines(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state) benchmark::DoNotOptimize(elf::read_lines(in.patched));
}
BENCHMARK(read_lines)->Unit(benchmark::kMillisecond);

void correlate(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state) benchmark::DoNotOptimize(must(diff::correlate(in.original_model, in.patched_model)));
}
BENCHMARK(correlate)->Unit(benchmark::kMillisecond);

void compare(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state) benchmark::DoNotOptimize(diff::compare(in.original_model, in.patched_model, in.correlation, "unit"));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * text_size(in.original));
}
BENCHMARK(compare)->Unit(benchmark::kMillisecond);

/// The canonical comparison of code: decoding, references, records and the comparison itself, of both objects, on one core. Bytes are
/// those of the original's code; what is the same byte for byte in the patched object is decoded once, as always.
void compare_from_bytes(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state) {
    const auto original = must(diff::ObjectModel::make(in.original, profile(), in.decoder));
    const auto patched = must(diff::ObjectModel::make(in.patched, profile(), in.decoder, &original));
    benchmark::DoNotOptimize(diff::compare(original, patched, in.correlation, "unit"));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * text_size(in.original));
}
BENCHMARK(compare_from_bytes)->Unit(benchmark::kMillisecond);

void close_over(benchmark::State& state) {
  Inputs& in = inputs();
  for (auto unused : state)
    benchmark::DoNotOptimize(extract::close_over(in.original_model, in.patched_model, in.correlation, in.changes, "unit"));
}
BENCHMARK(close_over)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hotpatch
