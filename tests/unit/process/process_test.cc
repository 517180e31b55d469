// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/process/process.h"

#include <csignal>
#include <thread>

#include <doctest/doctest.h>

#include "common/support/file.h"

namespace hotpatch::process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Command shell(const std::string& script) {
  Command command;
  command.argv = {"sh", "-c", script};
  return command;
}

TEST_CASE("standard output, standard error and the exit status come back apart") {
  const auto outcome = run(shell("echo out; echo err >&2; exit 7"));
  REQUIRE(outcome);
  CHECK(outcome->output == "out\n");
  CHECK(outcome->errors == "err\n");
  CHECK(outcome->exit_status == 7);
  CHECK_FALSE(outcome->timed_out);
}

TEST_CASE("death by a signal is 128 and its number") {
  const auto outcome = run(shell("kill -TERM $$"));
  REQUIRE(outcome);
  CHECK(outcome->exit_status == 128 + SIGTERM);
}

TEST_CASE("more input and output than a pipe holds does not block") {
  Command command;
  command.argv = {"cat"};
  command.input = std::string(3'000'000, 'x');
  const auto outcome = run(command);
  REQUIRE(outcome);
  CHECK(outcome->output == command.input);
}

TEST_CASE("without input a program reads the end of file") {
  const auto outcome = run(shell("cat; echo end"));
  REQUIRE(outcome);
  CHECK(outcome->output == "end\n");
}

TEST_CASE("the directory and the environment are those asked for") {
  ::setenv("HP_TEST_INHERITED", "yes", 1);
  ::setenv("HP_TEST_UNSET", "yes", 1);
  Command command = shell("pwd; echo $HP_TEST_INHERITED-$HP_TEST_UNSET-$HP_TEST_SET");
  command.directory = "/usr";
  command.environment = {{"HP_TEST_SET", "a b"}};
  command.unset = {"HP_TEST_UNSET"};
  const auto outcome = run(command);
  REQUIRE(outcome);
  CHECK(outcome->output == "/usr\nyes--a b\n");
}

TEST_CASE("a cleared environment holds what was set and nothing else") {
  ::setenv("HP_TEST_INHERITED", "yes", 1);
  Command command;
  command.argv = {"/usr/bin/env"};
  command.clear_environment = true;
  command.environment = {{"B", "2"}, {"A", "1"}};
  const auto outcome = run(command);
  REQUIRE(outcome);
  CHECK(outcome->output == "A=1\nB=2\n");
}

TEST_CASE("a timeout kills the whole process group, grandchildren too") {
  const auto temp = TempDir::make("process-test");
  REQUIRE(temp);
  Command command = shell("(sleep 2; touch survived) & sleep 30");
  command.directory = temp->path();
  command.timeout = milliseconds(200);
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = run(command);
  REQUIRE(outcome);
  CHECK(outcome->timed_out);
  CHECK(outcome->exit_status == 128 + SIGKILL);
  CHECK(std::chrono::steady_clock::now() - begin < seconds(2));
  std::this_thread::sleep_for(milliseconds(2200));
  CHECK_FALSE(std::filesystem::exists(temp->path() / "survived"));
}

TEST_CASE("a grandchild that keeps the output open does not keep the caller waiting") {
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = run(shell("sleep 5 & echo done"));
  REQUIRE(outcome);
  CHECK(outcome->output == "done\n");
  CHECK(std::chrono::steady_clock::now() - begin < seconds(4));
}

TEST_CASE("a program that is not there is not found, and named") {
  Command command;
  command.argv = {"hotpatch-no-such-program"};
  const auto outcome = run(command);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == Errc::kNotFound);
  CHECK(outcome.error().message().find("hotpatch-no-such-program") != std::string::npos);
}

TEST_CASE("a directory that is not there is an error of the call, not an exit status") {
  Command command = shell("true");
  command.directory = "/no/such/directory";
  const auto outcome = run(command);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().message().find("/no/such/directory") != std::string::npos);
}

TEST_CASE("run_checked shows the command and the last lines of what it wrote") {
  const auto outcome = run_checked(shell("for i in $(seq 100); do echo line$i; done >&2; exit 3"));
  REQUIRE_FALSE(outcome);
  const std::string message = outcome.error().message();
  CHECK(message.find("sh -c") != std::string::npos);
  CHECK(message.find("exit status 3") != std::string::npos);
  CHECK(message.find("line100") != std::string::npos);
  CHECK(message.find("line1\n") == std::string::npos);
}

TEST_CASE("an output file takes both streams") {
  const auto temp = TempDir::make("process-test");
  REQUIRE(temp);
  Command command = shell("echo out; echo err >&2");
  command.output_file = temp->path() / "log";
  const auto outcome = run(command);
  REQUIRE(outcome);
  CHECK(outcome->output.empty());
  CHECK(read_text_file(command.output_file).value() == "out\nerr\n");
}

TEST_CASE("a described command can be typed into a shell") {
  Command command;
  command.argv = {"echo", "a b", "it's", "", "plain-1=2"};
  CHECK(describe(command) == "echo 'a b' 'it'\\''s' '' plain-1=2");
}

}  // namespace
}  // namespace hotpatch::process
