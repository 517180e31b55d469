// SPDX-License-Identifier: GPL-2.0-or-later
//
// hotpatch-syntax SOURCE -- OPTIONS…: parses one C source with clang's front end and writes what its functions do to standard output, as
// one JSON document (docs/schema/syntax.schema.json). A source that clang does not accept is no failure of the program: "errors" says why.
#include <iostream>
#include <string>
#include <vector>

#include <clang/AST/ASTConsumer.h>
#include <clang/Basic/DiagnosticIDs.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/FrontendAction.h>
#include <clang/Lex/MacroArgs.h>
#include <clang/Lex/PPCallbacks.h>
#include <clang/Lex/Preprocessor.h>
#include <clang/Tooling/CompilationDatabase.h>
#include <clang/Tooling/Tooling.h>
#include <nlohmann/json.hpp>

#include "programs/hotpatch-syntax/facts_writer.h"

namespace hotpatch::syntax {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kShownErrors = 5;

/// Errors, each with its place.
class Errors : public clang::DiagnosticConsumer {
 public:
  explicit Errors(Json& document) : document_(document) {}
  void HandleDiagnostic(clang::DiagnosticsEngine::Level level, const clang::Diagnostic& info) override {
    DiagnosticConsumer::HandleDiagnostic(level, info);
    if (level < clang::DiagnosticsEngine::Error || document_["errors"].size() >= kShownErrors) return;
    llvm::SmallString<128> text;
    info.FormatDiagnostic(text);
    std::string place;
    if (info.hasSourceManager() && info.getLocation().isValid()) {
      const clang::PresumedLoc presumed = info.getSourceManager().getPresumedLoc(info.getLocation());
      if (presumed.isValid()) place = std::string(presumed.getFilename()) + ":" + std::to_string(presumed.getLine()) + ": ";
    }
    document_["errors"].push_back(place + text.str().str());
  }

 private:
  Json& document_;
};

/// The constants that the main file uses: macros without parameters, by what they stand for.
class Macros : public clang::PPCallbacks {
 public:
  Macros(const clang::Preprocessor& preprocessor, Json& document) : preprocessor_(preprocessor), document_(document) {}
  void MacroExpands(const clang::Token& name, const clang::MacroDefinition& definition, clang::SourceRange range,
                    const clang::MacroArgs* /*arguments*/) override {
    const clang::MacroInfo* macro = definition.getMacroInfo();
    const clang::SourceManager& sources = preprocessor_.getSourceManager();
    if (macro == nullptr || macro->isFunctionLike() || macro->isBuiltinMacro() ||
        !sources.isInMainFile(sources.getExpansionLoc(range.getBegin())))
      return;
    std::string text;
    for (const clang::Token& token : macro->tokens()) text += (text.empty() ? "" : " ") + preprocessor_.getSpelling(token);
    document_["macros"][name.getIdentifierInfo()->getName().str()] = text;
  }

 private:
  const clang::Preprocessor& preprocessor_;
  Json& document_;
};

class Consumer : public clang::ASTConsumer {
 public:
  explicit Consumer(Json& document) : document_(document) {}
  void HandleTranslationUnit(clang::ASTContext& context) override {
    if (!context.getDiagnostics().hasErrorOccurred()) write_facts(context, document_);
  }

 private:
  Json& document_;
};

class Action : public clang::ASTFrontendAction {
 public:
  explicit Action(Json& document) : document_(document) {}

 protected:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance& compiler, llvm::StringRef /*file*/) override {
    compiler.getPreprocessor().addPPCallbacks(std::make_unique<Macros>(compiler.getPreprocessor(), document_));
    return std::make_unique<Consumer>(document_);
  }

 private:
  Json& document_;
};

class Factory : public clang::tooling::FrontendActionFactory {
 public:
  explicit Factory(Json& document) : document_(document) {}
  std::unique_ptr<clang::FrontendAction> create() override { return std::make_unique<Action>(document_); }

 private:
  Json& document_;
};

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2 || arguments[1] != "--") {
    std::cerr << "usage: hotpatch-syntax SOURCE -- OPTIONS…\n";
    return 64;
  }
  Json document = {{"schema", "hotpatch-syntax/1"},
                   {"errors", Json::array()},
                   {"macros", Json::object()},
                   {"functions", Json::object()},
                   {"pairs", Json::object()}};
  std::vector<std::string> options(arguments.begin() + 2, arguments.end());
  options.insert(options.begin(), {"-xc", "-w", "-Wno-error", "-fsyntax-only", "-resource-dir=" HOTPATCH_CLANG_RESOURCES});
  const clang::tooling::FixedCompilationDatabase database(".", options);
  clang::tooling::ClangTool tool(database, {arguments[0]});
  Errors errors(document);
  tool.setDiagnosticConsumer(&errors);
  tool.setPrintErrorMessage(false);
  Factory factory(document);
  if (tool.run(&factory) != 0 && document["errors"].empty()) document["errors"].push_back(arguments[0] + ": cannot be parsed");
  std::cout << document.dump(-1, ' ', true, Json::error_handler_t::replace) << "\n";
  return 0;
}

}  // namespace
}  // namespace hotpatch::syntax

int main(int argc, char** argv) { return hotpatch::syntax::run({argv + 1, argv + argc}); }
