// SPDX-License-Identifier: GPL-2.0-or-later
//
// How long a payload takes from file to running code: by xen-hotpatch, and by the tool that comes with Xen, in turns on the same host.
// Prints the table of docs/benchmarks.md.
#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

constexpr std::size_t kRounds = 11;  // after one that is not counted, and brings the programs into the guest's memory

/// Each of these brings in the payload that lies in /payloads, and applies it.
struct Way {
  const char* name;
  const char* command;
};
constexpr Way kStock = {"stock", "xen-livepatch load"};
constexpr Way kOurs = {"ours", "xen-hotpatch load"};
constexpr Way kOursByXen = {"ours-by-xen", "xen-hotpatch load --relocate=hypervisor"};
constexpr Way kWays[] = {kStock, kOurs, kOursByXen};

/// Of a payload that is called as its file is.
std::string script(const std::string& name) {
  std::ostringstream text;
  text << "now() { t=$EPOCHREALTIME; t=${t%.*}${t#*.}; }\nround=0; while [ $round -le " << kRounds << " ]; do\n";
  for (const Way& way : kWays) {
    // The stock tool gives up when the processors miss each other once: that round is none. Ours must never.
    const std::string timed = "{ now; start=$t; " + std::string(way.command) + " /payloads/" + name + ".livepatch >/dev/null; }";
    text << "  rm -f /var/lib/xen-hotpatch/journal.jsonl\n"  // which these rounds alone would make longer than years do
         << (way.name == std::string_view(kStock.name) ? "  until " + timed + "; do :; done; now\n"
                                                       : "  " + timed + " || exit 91; now\n")
         << "  [ $round = 0 ] || echo " << way.name << " $((t - start))\n"
         << "  until xen-livepatch revert " << name << " >/dev/null; do :; done\n"
         << "  xen-livepatch unload " << name << " >/dev/null || exit 92\n";
  }
  text << "  round=$((round+1))\ndone\n";
  return text.str();
}

struct Spread {
  double median = 0;  // ms
  double least = 0;
  double most = 0;
};

std::map<std::string, Spread> spreads(const std::string& measured) {
  std::map<std::string, std::vector<double>> all;
  std::istringstream lines(measured);
  std::string way;
  for (double microseconds = 0; lines >> way >> microseconds;) all[way].push_back(microseconds / 1000);
  std::map<std::string, Spread> product;
  for (auto& [name, times] : all) {
    REQUIRE_MESSAGE(times.size() == kRounds, name);
    std::ranges::sort(times);
    product[name] = {.median = times[kRounds / 2], .least = times.front(), .most = times.back()};
  }
  return product;
}

std::string cell(const Spread& spread) {
  std::ostringstream text;
  text.precision(0);
  text << std::fixed << spread.median << " ms (" << spread.least << "–" << spread.most << ")";
  return text.str();
}

std::string two_digits(double number) {
  std::ostringstream text;
  text.precision(2);
  text << std::fixed << number;
  return text.str();
}

TEST_CASE("from file to running code takes no more than twice what the stock tool takes") {
  Guest guest("timing");
  guest.add_program(stock_tool());
  const std::vector<std::string> names = {"visible", "xsa-507-pod-special-pages"};
  std::vector<std::size_t> sizes;
  std::vector<std::size_t> steps;
  for (const std::string& name : names) {
    Bytes payload = content_of(build_payload(name, {"--patch", source_file("demo/" + name + ".patch").string()}));
    sizes.push_back(payload.size());
    guest.add_payload(name + ".livepatch", std::move(payload));
    steps.push_back(guest.add(script(name), std::chrono::seconds(250)));
  }
  guest.run();
  std::cout << "| payload | `" << kStock.command << "` | `" << kOurs.command << "` | ratio | `" << kOursByXen.command << "` |\n"
            << "|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    REQUIRE_MESSAGE(guest.status(steps[i]) == 0, guest.describe(steps[i]));
    std::map<std::string, Spread> times = spreads(guest.output(steps[i]));
    REQUIRE_MESSAGE(times.size() == std::size(kWays), guest.describe(steps[i]));
    const double ratio = times[kOurs.name].median / times[kStock.name].median;
    std::cout << "| demo/" << names[i] << ".patch, " << sizes[i] << " bytes | " << cell(times[kStock.name]) << " | "
              << cell(times[kOurs.name]) << " | " << two_digits(ratio) << " | " << cell(times[kOursByXen.name]) << " |\n";
    // Both took turns in one guest: what else the machine does slows them alike.
    CHECK_MESSAGE(ratio <= 2, guest.output(steps[i]));
  }
}

}  // namespace
}  // namespace hotpatch::e2e
