// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/include_graph.h"

#include <fstream>

#include <doctest/doctest.h>

#include "buildenv/linux/sparse_view.h"
#include "common/support/file.h"

namespace fs = std::filesystem;
using namespace hotpatch;
using namespace hotpatch::buildenv;
using Files = std::set<std::string>;

namespace {

class Tree {
 public:
  Tree() : directory_(*TempDir::make("include-test")) {}
  Tree& add(const std::string& name, const std::string& content) {
    fs::create_directories((directory_.path() / name).parent_path());
    std::ofstream(directory_.path() / name) << content;
    return *this;
  }
  [[nodiscard]] const fs::path& path() const { return directory_.path(); }

 private:
  TempDir directory_;
};

}  // namespace

TEST_CASE("names of #include lines are found in every spelling") {
  const auto names = included_names(
      "#include <linux/a.h>\n  #  include \"b.h\" // why\n#include MACRO_H\n#define X 1\nint y; // #include <no.h>\n"
      "#include_next <c.h>\n");
  CHECK(names == std::vector<std::string>{"\"b.h\"", "<c.h>", "<linux/a.h>", "MACRO_H"});
}

TEST_CASE("includers are followed, by the ends of names") {
  Tree tree;
  tree.add("include/linux/a.h", "int a;\n")
      .add("include/linux/b.h", "#include <linux/a.h>\n")
      .add("net/core/dev.c", "#include <linux/b.h>\n")
      .add("net/core/a.h", "int other;\n")
      .add("net/core/own.c", "#include \"a.h\"\n")
      .add("net/x/up.c", "#include \"../core/a.h\"\n")
      .add("net/x/none.c", "int n;\n")
      .add("scripts/tool.c", "#include <linux/a.h>\n");
  const auto graph = IncludeGraph::scan(tree.path(), 2);
  REQUIRE(graph);
  CHECK(graph->includers({"include/linux/a.h"}) ==
        Files{"include/linux/a.h", "include/linux/b.h", "net/core/dev.c", "net/core/own.c"});
  CHECK(graph->includers({"net/core/a.h"}) == Files{"net/core/a.h", "net/core/own.c", "net/x/up.c"});

  CHECK(graph->climbing_includers("net/core/a.h") == Files{"net/x/up.c"});

  const fs::path file = tree.path() / "index";
  REQUIRE(graph->write(file));
  const auto again = IncludeGraph::read(file);
  REQUIRE(again);
  CHECK(again->files() == graph->files());
  CHECK(again->includers({"net/core/a.h"}) == graph->includers({"net/core/a.h"}));
}

TEST_CASE("a sparse view shows the base's files but the edited ones, through every name") {
  Tree tree;
  tree.add("tree/include/linux/a.h", "old\n")
      .add("tree/net/core/a.h", "old\n")
      .add("tree/net/core/dev.c", "same\n")
      .add("tree/net/x/up.c", "#include \"../core/a.h\"\n")
      .add("tree/fs/z.c", "same\n")
      .add("tree/include/trace/define.h", "#include TRACE_INCLUDE\n");
  const auto graph = IncludeGraph::scan(tree.path() / "tree", 1);
  REQUIRE(graph);
  const ViewEdits edits = {{"net/core/a.h", "new\n"}, {"net/core/gone.c", std::nullopt}, {"net/fresh/b.h", "fresh\n"}};
  const auto real = real_directories(edits, *graph, {{"x.o", {{"gcc", "-Iarch/x86/kvm/../../../net", "-c"}}}});
  Base base;
  base.directory = tree.path();
  base.build_directory = "tree";
  const auto view = make_sparse_view(base, edits, real, tree.path() / "view");
  REQUIRE_MESSAGE(view, view.error().message());
  CHECK(*read_text_file(view->build / "net/x/../core/a.h") == "new\n");
  CHECK(*read_text_file(view->build / "net/core/dev.c") == "same\n");
  CHECK(*read_text_file(view->build / "net/fresh/b.h") == "fresh\n");
  CHECK(*read_text_file(view->build / "fs/z.c") == "same\n");
  CHECK(*read_text_file(view->build / "include/trace/../../net/core/a.h") == "new\n");
  CHECK(fs::is_symlink(view->build / "fs"));

  // What a compiler says it has read: the edited file through the view, or around it.
  const fs::path list = tree.path() / "x.o.d";
  REQUIRE(write_file(list, std::string_view("x.o: net/x/up.c net/x/../core/a.h \\\n fs/z.c include/linux/a.h\n")));
  CHECK(require_in_view(base, *view, edits, list));
  REQUIRE(write_file(list, std::string_view("x.o: net/x/up.c \\\n fs/../net/core/a.h\n")));
  const auto around = require_in_view(base, *view, edits, list);
  REQUIRE(!around);
  CHECK(around.error().message().find("fs/../net/core/a.h") != std::string::npos);
  CHECK(!fs::is_symlink(view->build / "net/x"));
  CHECK(*read_text_file(tree.path() / "tree/net/core/a.h") == "old\n");
}
