// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch-syntax/facts_writer.h"

#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>

#include <clang/AST/Attr.h>
#include <clang/AST/Decl.h>
#include <clang/Analysis/CFG.h>
#include <clang/Basic/SourceManager.h>

#include "programs/hotpatch-syntax/expressions.h"

namespace hotpatch::syntax {
namespace {

using namespace clang;  // the syntax tree's own names

/// Words of function names that come in pairs: what one takes the other gives back.
constexpr std::array<std::pair<const char*, const char*>, 10> kCounterparts = {{{"get", "put"},
                                                                                {"inc", "dec"},
                                                                                {"hold", "put"},
                                                                                {"ref", "unref"},
                                                                                {"lock", "unlock"},
                                                                                {"acquire", "release"},
                                                                                {"down", "up"},
                                                                                {"charge", "uncharge"},
                                                                                {"pin", "unpin"},
                                                                                {"hold", "release"}}};

class Writer {
 public:
  Writer(ASTContext& context, Json& document) : context_(context), document_(document) {}

  void run() {
    for (const Decl* declaration : context_.getTranslationUnitDecl()->decls()) {
      const auto* function = dyn_cast<FunctionDecl>(declaration);
      if (function == nullptr) continue;
      declared_.insert(function->getName().str());
      if (function->doesThisDeclarationHaveABody() && context_.getSourceManager().isInMainFile(function->getLocation()))
        want(function);
    }
    Json& functions = document_["functions"] = Json::object();
    while (!queue_.empty()) {
      const FunctionDecl* function = queue_.front();
      queue_.pop_front();
      functions[function->getName().str()] = facts_of(*function);
    }
    Json& pairs = document_["pairs"] = Json::object();
    for (const std::string& name : called_) {
      const std::string other = counterpart(name);
      if (!other.empty()) pairs[name] = other;
    }
  }

 private:
  void want(const FunctionDecl* function) {
    const FunctionDecl* definition = nullptr;
    if (function->hasBody(definition) && wanted_.insert(definition).second) queue_.push_back(definition);
  }

  /// "put_page" for "get_page", if something of that name is declared; empty for what has none.
  std::string counterpart(const std::string& name) const {
    for (const auto& [take, give] : kCounterparts) {
      const std::string word = take;
      for (std::size_t at = name.find(word); at != std::string::npos; at = name.find(word, at + 1)) {
        const bool begins = at == 0 || name[at - 1] == '_';
        const std::size_t end = at + word.size();
        if (!begins || (end != name.size() && name[end] != '_')) continue;
        const std::string other = name.substr(0, at) + give + name.substr(end);
        if (declared_.contains(other)) return other;
        // spin_lock_irqsave and spin_unlock_irqrestore; atomic_inc and atomic_dec_and_test.
        for (const std::string& candidate :
             {name.substr(0, at) + give, name.substr(0, at) + give + "_irqrestore", other + "_and_test"})
          if (declared_.contains(candidate)) return candidate;
      }
    }
    return {};
  }

  unsigned line_of(SourceLocation place) const {
    const PresumedLoc presumed = context_.getSourceManager().getPresumedLoc(context_.getSourceManager().getExpansionLoc(place));
    return presumed.isValid() ? presumed.getLine() : 0;
  }
  std::string file_of(SourceLocation place) const {
    const PresumedLoc presumed = context_.getSourceManager().getPresumedLoc(context_.getSourceManager().getExpansionLoc(place));
    return presumed.isValid() ? presumed.getFilename() : "";
  }
  std::string text_of_type(QualType type) const { return type_text(context_, type); }

  Json facts_of(const FunctionDecl& function) {
    Names names;
    Expressions expressions(context_, names);
    Json facts;
    facts["file"] = file_of(function.getLocation());
    facts["line"] = line_of(function.getLocation());
    facts["static"] = function.getStorageClass() == SC_Static;
    facts["main"] = context_.getSourceManager().isInMainFile(function.getLocation());
    facts["result"] = text_of_type(function.getReturnType());
    Json& parameters = facts["parameters"] = Json::array();
    for (const ParmVarDecl* parameter : function.parameters()) parameters.push_back(text_of_type(parameter->getType()));
    Json& blocks = facts["blocks"] = Json::array();
    CFG::BuildOptions options;
    options.setAllAlwaysAdd();
    options.AddImplicitDtors = true;  // of C, these are the cleanup attributes
    const std::unique_ptr<CFG> graph = CFG::buildCFG(&function, function.getBody(), &context_, options);
    facts["is_known"] = graph != nullptr;
    if (graph == nullptr) return facts;
    facts["entry"] = graph->getEntry().getBlockID();
    facts["exit"] = graph->getExit().getBlockID();
    for (const CFGBlock* block : *graph) blocks.push_back(block_of(*block, expressions));
    facts["lengths"] = expressions.lengths();
    return facts;
  }

  Json block_of(const CFGBlock& block, Expressions& expressions) {
    Json product;
    product["id"] = block.getBlockID();
    Json& successors = product["next"] = Json::array();
    for (const CFGBlock::AdjacentBlock& next : block.succs())
      successors.push_back(next.getReachableBlock() == nullptr ? Json() : Json(next.getReachableBlock()->getBlockID()));
    if (block.hasNoReturnElement()) product["ends"] = true;
    Json& events = product["events"] = Json::array();
    if (const auto* label = dyn_cast_or_null<CaseStmt>(block.getLabel()))
      events.push_back({{"e", "case"}, {"x", expressions.of(label->getLHS())}, {"line", line_of(label->getBeginLoc())}});
    for (const CFGElement& element : block) {
      if (const auto cleanup = element.getAs<CFGCleanupFunction>()) {
        const std::string name = cleanup->getFunctionDecl()->getName().str();
        called_.insert(name);
        want(cleanup->getFunctionDecl());
        events.push_back({{"e", "call"},
                          {"x", Json::array({"call", name, Json::array({"a", expressions.of_variable(*cleanup->getVarDecl())})})},
                          {"line", 0}});
      } else if (const auto statement = element.getAs<CFGStmt>()) {
        add(*statement->getStmt(), expressions, events);
      }
    }
    if (const auto* condition = dyn_cast_or_null<Expr>(block.getTerminatorCondition(true));
        condition != nullptr && block.succ_size() > 1) {
      const bool is_switch = isa_and_nonnull<SwitchStmt>(block.getTerminatorStmt());
      events.push_back(
          {{"e", is_switch ? "switch" : "if"}, {"x", expressions.of(condition)}, {"line", line_of(condition->getBeginLoc())}});
    }
    return product;
  }

  void add(const Stmt& statement, Expressions& expressions, Json& events) {
    const auto event = [&](const char* kind) -> Json& {
      events.push_back({{"e", kind}, {"line", line_of(statement.getBeginLoc())}});
      return events.back();
    };
    const auto write = [&](Json to, const std::string& operation, Json from, QualType type) {
      Json& product = event("write");
      product["to"] = std::move(to);
      product["op"] = operation;
      product["from"] = std::move(from);
      product["type"] = text_of_type(type.getCanonicalType());
    };
    if (const auto* assignment = dyn_cast<BinaryOperator>(&statement); assignment != nullptr && assignment->isAssignmentOp()) {
      write(expressions.of(assignment->getLHS()), assignment->getOpcodeStr().str(), expressions.copied(*assignment->getRHS()),
            assignment->getLHS()->getType());
    } else if (const auto* step = dyn_cast<UnaryOperator>(&statement); step != nullptr && step->isIncrementDecrementOp()) {
      write(expressions.of(step->getSubExpr()), step->isIncrementOp() ? "+=" : "-=", Json::array({"c", 1}), step->getType());
    } else if (const auto* call = dyn_cast<CallExpr>(&statement)) {
      Json form = expressions.of(call);
      if (form.at(0) != "call") return;
      if (const FunctionDecl* function = call->getDirectCallee()) {
        called_.insert(function->getName().str());
        want(function);
      }
      event("call")["x"] = std::move(form);
    } else if (const auto* atomic = dyn_cast<AtomicExpr>(&statement)) {
      event("call")["x"] = expressions.of(atomic);
    } else if (const auto* declarations = dyn_cast<DeclStmt>(&statement)) {
      for (const Decl* declaration : declarations->decls())
        if (const auto* variable = dyn_cast<VarDecl>(declaration); variable != nullptr && variable->hasLocalStorage()) {
          Json& product = event("local");
          product["to"] = expressions.of_variable(*variable);
          product["type"] = text_of_type(variable->getType());
          if (variable->hasInit()) product["from"] = expressions.of(variable->getInit());
        }
    } else if (const auto* end = dyn_cast<ReturnStmt>(&statement)) {
      event("return")["x"] = expressions.of(end->getRetValue());
    } else if (const auto* assembly = dyn_cast<GCCAsmStmt>(&statement)) {
      Json& product = event("asm");
      product["text"] = assembly->getAsmString()->getString().str();
      Json& written = product["written"] = Json::array();
      for (unsigned i = 0; i < assembly->getNumOutputs(); ++i) written.push_back(expressions.of(assembly->getOutputExpr(i)));
      Json& read = product["read"] = Json::array();
      for (unsigned i = 0; i < assembly->getNumInputs(); ++i) read.push_back(expressions.of(assembly->getInputExpr(i)));
    }
  }

  ASTContext& context_;
  Json& document_;
  std::deque<const FunctionDecl*> queue_;
  std::set<const FunctionDecl*> wanted_;
  std::set<std::string> declared_;
  std::set<std::string> called_;
};

}  // namespace

void write_facts(ASTContext& context, Json& document) { Writer(context, document).run(); }

}  // namespace hotpatch::syntax
