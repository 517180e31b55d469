// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kill matrix on a running Xen: every operation is killed at every step (tracer.h). Whatever that leaves, the next run must find: the
// journal agrees with the hypervisor, the same command brings the operation to its end, and what was begun can be taken back. Before each
// step, it is the program xen-hotpatch that is killed and that finishes; in the other cells it is a process that calls the same library,
// since an emulated machine takes most of a second to start a program, and there are hundreds of cells.
// Its counterpart on a model of the hypervisor is tests/unit/xen_host/kill_matrix_test.cc.
//
// usage: kill_cells PAYLOADS SHARE OPERATION…
//
// SHARE is n for every n-th step of an operation, from the first on. PAYLOADS has `first`, `on-top`, made to go on top of it, and `other`,
// which takes the place of both. Writes a line for each operation, and one for each cell that is not consistent; exits with 1 if there is
// one. What the host has at the beginning must be nothing.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>

#include "common/host/boot.h"
#include "hypercall/open_xen.h"
#include "tests/e2e/guest/tracer.h"
#include "xen/host/operations.h"
#include "xen/host/restore.h"
#include "xen/host/survey.h"

namespace hotpatch::e2e {
namespace {

using xen::host::Outcome;
using xen::host::Session;

constexpr const char* kProgram = "/usr/bin/xen-hotpatch";
constexpr const char* kStateDir = "/var/lib/xen-hotpatch";
constexpr const char* kSaid = "/tmp/kill-cells.said";

/// A cell that is not consistent; what() says how.
class Inconsistent : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename T>
T must(Result<T> result, const char* what) {
  if (!result) throw Inconsistent(std::string(what) + ": " + result.error().message());
  return *std::move(result);
}

/// This host, by way of the library; the program under test sees the same state directory.
class Host {
 public:
  explicit Host(std::string payloads) : payloads_(std::move(payloads)) {
    config_.boot = must(this_boot(), "this boot");
    config_.command = "prepare";
    channel_ = must(hypercall::open_xen(), "open Xen");
  }

  std::unique_ptr<Session> session() { return must(Session::open(*channel_, clock_, config_, "kill-cells"), "a session"); }
  [[nodiscard]] std::string file(const std::string& name) const { return payloads_ + "/" + name; }
  [[nodiscard]] xen::host::CheckedPayload payload(const std::string& name) const {
    return must(xen::host::read_checked_payload(file(name)), "read a payload");
  }
  std::vector<hypercall::Listed> list() { return must(channel_->list(), "list"); }
  [[nodiscard]] const std::string& payloads() const noexcept { return payloads_; }
  [[nodiscard]] const std::string& boot() const noexcept { return config_.boot; }

  /// What can be seen of the host without asking the journal: payloads and states, what the patches do, and what is accepted.
  std::string snapshot() {
    std::ostringstream text;
    std::set<std::string> payloads;  // in whatever order they were uploaded
    for (const hypercall::Listed& one : list()) payloads.insert(one.name + " " + hypercall::state_name(one.status.state));
    for (const std::string& one : payloads) text << one << "; ";
    const hypercall::Hypervisor hypervisor = must(channel_->hypervisor(), "ask the version");
    text << hypervisor.extra << "; " << hypervisor.changeset;
    for (const xen::host::Accepted& one : must(xen::host::read_accepted(kStateDir), "what is accepted"))
      text << "; accepted " << one.name << one.set_aside;
    return text.str();
  }

  /// Nothing is loaded, nobody remembers anything.
  void clear() {
    {
      const auto held = session();
      const xen::host::HostView view = must(xen::host::survey(*held), "survey");
      for (auto name = view.stack.names.rbegin(); name != view.stack.names.rend(); ++name)
        must(xen::host::revert(*held, *name), "revert");
      for (const xen::host::PayloadView& one : view.payloads) must(xen::host::unload(*held, one.name), "unload");
    }
    if (!list().empty()) throw Inconsistent("payloads are left: " + snapshot());
    std::filesystem::remove_all(kStateDir);
  }

 private:
  std::string payloads_;
  SystemClock clock_;
  xen::host::HostConfig config_;
  std::unique_ptr<hypercall::Channel> channel_;
};

using Step = std::function<void(Host&)>;

struct Kind {
  std::string name;
  Step prepare;
  std::vector<std::string> arguments;  // of xen-hotpatch, for the operation
  Step operation;                      // the same, by way of the library
  Step undo;
};

std::set<std::string> names_in(const std::filesystem::path& directory) {
  std::set<std::string> names;
  if (std::filesystem::exists(directory))
    for (const auto& entry : std::filesystem::directory_iterator(directory)) names.insert(entry.path().filename().string());
  return names;
}

/// The journal's memory is what the hypervisor has, and the kept copies are of what is loaded.
void check_agreement(Host& host) {
  const xen::host::JournalContents journal = must(xen::host::read_journal(kStateDir), "read the journal");
  const xen::host::Memory memory = xen::host::recall(journal, host.boot());
  if (!memory.interrupted.empty()) throw Inconsistent("the journal has open actions");
  if (!journal.misfits.empty()) throw Inconsistent("the journal's chain does not fit");
  std::set<std::string> copies;
  std::size_t applied = 0;
  const std::vector<hypercall::Listed> listed = host.list();
  for (const hypercall::Listed& one : listed) {
    const xen::host::Remembered* known = memory.find(one.name);
    if (known == nullptr) throw Inconsistent("the journal does not know " + one.name);
    const bool is_applied = one.status.state == hypercall::State::kApplied;
    if (is_applied == known->applied_at.empty()) throw Inconsistent("the journal does not have the state of " + one.name);
    applied += is_applied ? 1U : 0U;
    copies.insert(known->build_id + ".livepatch");
  }
  if (memory.payloads.size() != listed.size()) throw Inconsistent("the journal knows payloads that Xen has not");
  if (memory.stack.size() != applied) throw Inconsistent("the journal has another stack than Xen");
  const std::set<std::string> kept = names_in(std::filesystem::path(kStateDir) / "payloads");
  if (!std::ranges::includes(kept, copies)) throw Inconsistent("a copy of what is loaded is missing");
}

std::string said() {
  std::ifstream file(kSaid);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class Matrix {
 public:
  Matrix(Host& host, Kind kind, unsigned share) : host_(host), kind_(std::move(kind)), share_(share) {
    kind_.arguments.insert(kind_.arguments.begin(), kProgram);
    measure();
  }

  /// How many cells are not consistent.
  unsigned run() {
    unsigned cells = 0;
    for (const Moment moment : {Moment::kBefore, Moment::kTorn, Moment::kAfter}) {
      unsigned killed = 0;
      for (unsigned step = 1; (killed = try_step({.step = step, .moment = moment})) != 0; step += share_) cells += killed;
    }
    std::cout << kind_.name << ": " << cells << " cells, " << bad_ << " not consistent (";
    for (std::size_t i = 0; i < calls_.size(); ++i)
      std::cout << (i == 0 ? "" : ", ") << calls_[i].second << " " << calls_[i].first;
    std::cout << ")" << std::endl;
    return bad_;
  }

 private:
  /// What the host is before and after the operation, when nobody kills it.
  void measure() {
    kind_.prepare(host_);
    before_ = host_.snapshot();
    run_program("the operation");
    after_ = host_.snapshot();
    host_.clear();
  }

  [[nodiscard]] int program() const { return become(kind_.arguments); }

  /// In a process that has Xen's interface to itself.
  [[nodiscard]] int library() const {
    try {
      Host host(host_.payloads());
      kind_.operation(host);
      return 0;
    } catch (const std::exception& error) {
      std::cout << error.what() << std::endl;
      return 1;
    }
  }

  void run_program(const char* what) const {
    const Ending ending = run_until([this] { return program(); }, kSaid, {});
    if (ending.status != 0) throw Inconsistent(std::string(what) + " ends with " + std::to_string(ending.status) + ": " + said());
  }

  /// Two cells: one finishes, one undoes. Returns how many of them were killed; the others came to their end before that step.
  unsigned try_step(const Spot& spot) {
    unsigned killed = 0;
    for (const bool finish : {true, false}) {
      try {
        kind_.prepare(host_);
        const bool by_program = finish && spot.moment == Moment::kBefore;
        const Ending ending = run_until([&] { return by_program ? program() : library(); }, kSaid, spot);
        if (ending.was_killed) {
          ++killed;
          count(ending.last);
          finish ? check_finish(by_program) : check_undo();
        } else if (ending.status != 0) {
          throw Inconsistent("not killed, and ended with " + std::to_string(ending.status) + ": " + said());
        }
      } catch (const Inconsistent& error) {
        ++bad_;
        std::cout << kind_.name << moment_name(spot.moment) << spot.step << (finish ? ", finished: " : ", undone: ")
                  << error.what() << std::endl;
      }
      host_.clear();
    }
    return killed;
  }

  void check_finish(bool by_program) {
    by_program ? run_program("the same command again") : kind_.operation(host_);
    if (const std::string now = host_.snapshot(); now != after_) throw Inconsistent("is " + now + ", should be " + after_);
    check_agreement(host_);
  }

  void check_undo() {
    (void)host_.session();  // closes what was cut off
    check_agreement(host_);
    kind_.undo(host_);
    if (const std::string now = host_.snapshot(); now != before_) throw Inconsistent("is " + now + ", should be " + before_);
    check_agreement(host_);
  }

  static const char* moment_name(Moment moment) {
    switch (moment) {
      case Moment::kBefore: return ", before step ";
      case Moment::kTorn: return ", within write ";
      case Moment::kAfter: return ", behind hypercall ";
    }
    return "?";
  }

  void count(const std::string& call) {
    const auto known = std::ranges::find(calls_, call, &std::pair<std::string, unsigned>::first);
    if (known == calls_.end())
      calls_.emplace_back(call, 1);
    else
      ++known->second;
  }

  Host& host_;
  Kind kind_;
  unsigned share_;
  std::string before_;
  std::string after_;
  std::vector<std::pair<std::string, unsigned>> calls_;  // at which it was killed, and how often
  unsigned bad_ = 0;
};

// The operations, by way of the library.

void nothing(Host&) {}

Step load(std::vector<std::string> names) {
  return [names = std::move(names)](Host& host) {
    for (const std::string& name : names) must(xen::host::load(*host.session(), name, host.payload(name)), "load");
  };
}
Step upload(const std::string& name) {
  return [name](Host& host) { must(xen::host::upload(*host.session(), name, host.payload(name)), "upload"); };
}
/// As an operator does it by hand: what is not there need not be taken out.
void revert(Host& host, const std::string& name) {
  const Result<Outcome> reverted = xen::host::revert(*host.session(), name);
  if (!reverted && reverted.error().code() != Errc::kNotFound) must(reverted, "revert");
}
Step revert(const std::string& name) {
  return [name](Host& host) { revert(host, name); };
}
Step unload(const std::string& name) {
  return [name](Host& host) {
    revert(host, name);
    must(xen::host::unload(*host.session(), name), "unload");
  };
}
Step apply(const std::string& name) {
  return [name](Host& host) { must(xen::host::apply(*host.session(), name), "apply"); };
}
Step accept(const std::string& name) {
  return [name](Host& host) { must(xen::host::accept(*host.session(), name), "accept"); };
}
Step forget(const std::string& name) {
  return [name](Host& host) { must(xen::host::forget(*host.session(), name), "forget"); };
}
template <typename... Steps>
Step in_turn(Steps... steps) {
  return [steps...](Host& host) { (steps(host), ...); };
}

std::vector<Kind> kinds(const Host& host) {
  const std::string first = host.file("first");
  const std::string other = host.file("other");
  const Step two = load({"first", "on-top"});
  const Step back_to_two = in_turn(revert("other"), two);
  const Step revert_above = [](Host& one) {
    must(xen::host::revert(*one.session(), "first", {.above = true, .others = false}), "revert");
  };
  const Step unload_alone = [](Host& one) { must(xen::host::unload(*one.session(), "first"), "unload"); };
  const Step replace = [](Host& one) { must(xen::host::replace(*one.session(), "other"), "replace"); };
  const Step upgrade = [](Host& one) { must(xen::host::upgrade(*one.session(), "other", one.payload("other")), "upgrade"); };
  const Step restore = [](Host& one) { must(xen::host::restore(*one.session(), Milliseconds(0)), "restore"); };
  const Step accepted = in_turn(load({"first"}), accept("first"));
  return {
      {"upload", nothing, {"upload", "first", first}, upload("first"), unload("first")},
      {"load", nothing, {"load", first, "--name", "first"}, load({"first"}), unload("first")},
      {"apply", upload("first"), {"apply", "first"}, apply("first"), revert("first")},
      {"revert", load({"first"}), {"revert", "first"}, revert("first"), apply("first")},
      {"revert --above", two, {"revert", "first", "--above"}, revert_above, two},
      {"unload", upload("first"), {"unload", "first"}, unload_alone, upload("first")},
      {"replace", in_turn(two, upload("other")), {"replace", "other"}, replace, back_to_two},
      {"upgrade", two, {"upgrade", other, "--name", "other"}, upgrade, in_turn(back_to_two, unload("other"))},
      {"accept", load({"first"}), {"accept", "first"}, accept("first"), forget("first")},
      {"forget", accepted, {"forget", "first"}, forget("first"), accept("first")},
      {"restore", in_turn(accepted, unload("first")), {"restore", "--watch", "0"}, restore, unload("first")},
  };
}

int run(const std::string& payloads, unsigned share, const std::vector<std::string>& wanted) {
  Host host(payloads);
  if (!host.list().empty()) throw std::runtime_error("there are payloads on this host");
  unsigned bad = 0;
  for (const Kind& kind : kinds(host))
    if (std::ranges::find(wanted, kind.name) != wanted.end()) bad += Matrix(host, kind, share).run();
  return bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace hotpatch::e2e

int main(int argc, char** argv) {
  const int share = argc < 4 ? 0 : std::atoi(argv[2]);
  if (share < 1) return 64;
  try {
    return hotpatch::e2e::run(argv[1], static_cast<unsigned>(share), std::vector<std::string>(argv + 3, argv + argc));
  } catch (const std::exception& error) {
    std::cout << "kill_cells: " << error.what() << std::endl;
    return 2;
  }
}
