// SPDX-License-Identifier: GPL-2.0-or-later
//
// C expressions in a form that two builds can be compared by: parentheses and casts are gone, constants are evaluated (macros,
// enumerators), parameters go by their position, members by the type that declares them. docs/schema/syntax.schema.json lists the forms.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <clang/AST/ASTContext.h>
#include <clang/AST/Expr.h>
#include <nlohmann/json.hpp>

namespace hotpatch::syntax {

using Json = nlohmann::json;

/// The names of one function's variables. Two locals of one name are told apart by their order.
class Names {
 public:
  std::string local(const clang::VarDecl& variable);

 private:
  std::map<const clang::VarDecl*, std::string> names_;
  std::map<std::string, unsigned> counts_;
};

class Expressions {
 public:
  Expressions(clang::ASTContext& context, Names& names) : context_(context), names_(names) {}
  Json of(const clang::Expr* expression);
  /// Of what is copied as a whole: of a constant object, what is in it.
  Json copied(const clang::Expr& source);
  Json of_variable(const clang::VarDecl& variable);
  /// The function that a call goes to; empty if it goes through a pointer.
  static std::string callee(const clang::CallExpr& call);
  /// Of the arrays that were indexed, as far as this source makes them or says the type that they are members of: elements, by the array's
  /// form as text.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& lengths() const noexcept { return lengths_; }

 private:
  Json constant(const clang::Expr& expression);
  /// What to name the variable means: the value of a constant that has one in this source.
  Json value_of(const clang::VarDecl& variable);
  Json member(const clang::MemberExpr& member);
  Json object(const clang::InitListExpr& whole);
  Json others(const clang::Expr& expression);
  Json element(const clang::ArraySubscriptExpr& access);

  clang::ASTContext& context_;
  Names& names_;
  std::map<std::string, std::uint64_t> lengths_;
  unsigned depth_ = 0;
};

/// The type without qualifiers; of one without a name, nothing of where its source lies.
std::string type_text(const clang::ASTContext& context, clang::QualType type);

/// "struct domain", "union u", or the place of a type without a name: "struct domain::arch".
std::string record_name(const clang::RecordDecl& record);

}  // namespace hotpatch::syntax
