// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch-syntax/expressions.h"

#include <algorithm>

#include <clang/AST/Decl.h>
#include <llvm/ADT/SmallString.h>

namespace hotpatch::syntax {
namespace {

using namespace clang;  // the syntax tree's own names

constexpr unsigned kMaxDepth = 200;           // of expressions in expressions
constexpr std::size_t kMaxObjectSize = 4000;  // characters, beyond which a constant object goes by its name

bool is_a(const Json& form, const char* kind) { return form.is_array() && !form.empty() && form[0] == kind; }

/// Where a record without a name is used, for a name that does not depend on lines.
std::string place_of(const RecordDecl& record) {
  const auto* outer = dyn_cast_or_null<RecordDecl>(record.getDeclContext());
  if (outer == nullptr) return record.getKindName().str() + " {}";
  unsigned position = 0;
  for (const Decl* declaration : outer->decls()) {
    const auto* field = dyn_cast<FieldDecl>(declaration);
    if (field == nullptr) continue;
    ++position;
    const Type* type = field->getType()->getPointeeOrArrayElementType();
    if (type->getAsTagDecl() != &record) continue;
    return record_name(*outer) + "::" + (field->getName().empty() ? "#" + std::to_string(position) : field->getName().str());
  }
  return record_name(*outer) + "::{}";
}

}  // namespace

std::string type_text(const ASTContext& context, QualType type) {
  PrintingPolicy policy = context.getPrintingPolicy();
  policy.AnonymousTagLocations = false;
  return type.getUnqualifiedType().getAsString(policy);
}

std::string record_name(const RecordDecl& record) {
  const std::string keyword = record.getKindName().str() + " ";
  if (!record.getName().empty()) return keyword + record.getName().str();
  if (const TypedefNameDecl* alias = record.getTypedefNameForAnonDecl()) return alias->getName().str();
  return place_of(record);
}

std::string Names::local(const VarDecl& variable) {
  const auto found = names_.find(&variable);
  if (found != names_.end()) return found->second;
  const std::string name = variable.getName().str();
  const unsigned number = counts_[name]++;
  return names_[&variable] = number == 0 ? name : name + "#" + std::to_string(number);
}

std::string Expressions::callee(const CallExpr& call) {
  const FunctionDecl* function = call.getDirectCallee();
  return function == nullptr ? std::string() : function->getName().str();
}

Json Expressions::of_variable(const VarDecl& variable) {
  if (const auto* parameter = dyn_cast<ParmVarDecl>(&variable)) return {"p", parameter->getFunctionScopeIndex()};
  if (variable.hasLocalStorage()) return {"l", names_.local(variable)};
  if (!variable.isStaticLocal()) return {"g", variable.getName().str()};
  const auto* function = dyn_cast_or_null<FunctionDecl>(variable.getDeclContext());
  return {"g", (function == nullptr ? "" : function->getName().str() + ".") + variable.getName().str()};
}

Json Expressions::constant(const Expr& expression) {
  if (!expression.getType()->isIntegralOrEnumerationType() || expression.isValueDependent()) return nullptr;
  const auto value = expression.getIntegerConstantExpr(context_);
  if (!value) return nullptr;
  if (value->isSigned() ? value->isSignedIntN(64) : value->isIntN(63)) return {"c", value->getExtValue()};
  llvm::SmallString<40> text;
  value->toString(text, 16);
  return {"c", text.str().str()};
}

Json Expressions::member(const MemberExpr& member) {
  const auto* field = dyn_cast<FieldDecl>(member.getMemberDecl());
  if (field == nullptr) return {"x", "member", of(member.getBase())};
  Json base = of(member.getBase());
  if (field->getName().empty()) return member.isArrow() ? Json{"d", std::move(base)} : base;  // an unnamed struct or union
  const std::string record = record_name(*field->getParent());
  if (!member.isArrow()) return {"n", record, field->getName().str(), std::move(base)};
  if (base.at(0) == "a") return {"n", record, field->getName().str(), std::move(base.at(1))};
  return {"m", record, field->getName().str(), std::move(base)};
}

Json Expressions::of(const Expr* whole) {
  if (whole == nullptr) return {"none"};
  const Expr* expression = whole->IgnoreParenCasts();
  if (depth_ > kMaxDepth) return {"x", "deep"};
  const auto* size = dyn_cast<UnaryExprOrTypeTraitExpr>(expression);
  if (size != nullptr && size->getKind() == UETT_SizeOf) return {"z", type_text(context_, size->getTypeOfArgument())};
  if (Json value = constant(*whole); !value.is_null()) return value;
  ++depth_;
  Json product = others(*expression);
  --depth_;
  return product;
}

Json Expressions::value_of(const VarDecl& variable) {
  const QualType type = variable.getType();
  const bool is_fixed = variable.hasGlobalStorage() && type.isConstQualified() && !type.isVolatileQualified();
  // The compiler knows its value as well.
  const Expr* initialiser = is_fixed ? variable.getAnyInitializer() : nullptr;
  if (initialiser != nullptr)
    if (Json value = constant(*initialiser); !value.is_null() && type->isIntegralOrEnumerationType()) return value;
  return of_variable(variable);
}

Json Expressions::element(const ArraySubscriptExpr& access) {
  Json array = of(access.getBase());
  const Expr* base = access.getBase()->IgnoreParenImpCasts();
  const auto* named = dyn_cast<DeclRefExpr>(base);
  const auto* variable = named == nullptr ? nullptr : dyn_cast<VarDecl>(named->getDecl());
  const bool is_made_here = variable != nullptr && variable->hasDefinition(context_) != VarDecl::DeclarationOnly;
  const ConstantArrayType* type = context_.getAsConstantArrayType(base->getType());
  if (type != nullptr && (is_made_here || isa<MemberExpr>(base))) {
    const std::uint64_t length = type->getSize().getLimitedValue();
    const auto [known, is_new] = lengths_.try_emplace(array.dump(), length);
    if (!is_new) known->second = std::min(known->second, length);
  }
  return {"i", std::move(array), of(access.getIdx())};
}

Json Expressions::object(const InitListExpr& whole) {
  const InitListExpr& list = whole.isSemanticForm() || whole.getSemanticForm() == nullptr ? whole : *whole.getSemanticForm();
  const RecordDecl& record = *list.getType()->getAsRecordDecl();
  Json product = Json::array({"o", record_name(record)});
  const auto add = [&](const FieldDecl& field, const Expr& value) {
    // What is not mentioned is zero, and no statement of the source.
    if (isa<ImplicitValueInitExpr>(value.IgnoreParenImpCasts())) return;
    product.push_back(field.getName().str());
    product.push_back(of(&value));
  };
  if (record.isUnion()) {
    if (const FieldDecl* field = list.getInitializedFieldInUnion(); field != nullptr && list.getNumInits() > 0)
      add(*field, *list.getInit(0));
    return product;
  }
  unsigned index = 0;
  for (const FieldDecl* field : record.fields()) {
    if (field->isUnnamedBitField()) continue;
    if (index >= list.getNumInits()) break;
    add(*field, *list.getInit(index++));
  }
  return product;
}

Json Expressions::copied(const Expr& source) {
  const auto* named = dyn_cast<DeclRefExpr>(source.IgnoreParenCasts());
  const auto* variable = named == nullptr ? nullptr : dyn_cast<VarDecl>(named->getDecl());
  if (variable != nullptr && variable->hasGlobalStorage() && variable->getType().isConstQualified() &&
      variable->getType()->isRecordType())
    if (const Expr* initialiser = variable->getAnyInitializer())
      if (Json value = of(initialiser); is_a(value, "o") && value.dump().size() <= kMaxObjectSize) return value;
  return of(&source);
}

Json Expressions::others(const Expr& expression) {
  if (const auto* reference = dyn_cast<DeclRefExpr>(&expression)) {
    if (const auto* variable = dyn_cast<VarDecl>(reference->getDecl())) return value_of(*variable);
    if (const auto* function = dyn_cast<FunctionDecl>(reference->getDecl())) return {"f", function->getName().str()};
    return {"x", reference->getDecl()->getName().str()};
  }
  if (const auto* text = dyn_cast<StringLiteral>(&expression))
    return {"s", text->getCharByteWidth() == 1 ? text->getString().str() : "wide"};
  if (const auto* one = dyn_cast<MemberExpr>(&expression)) return member(*one);
  if (const auto* unary = dyn_cast<UnaryOperator>(&expression)) {
    const auto* named = dyn_cast<DeclRefExpr>(unary->getSubExpr()->IgnoreParens());
    const auto* variable = named == nullptr ? nullptr : dyn_cast<VarDecl>(named->getDecl());
    if (unary->getOpcode() == UO_AddrOf && variable != nullptr) return {"a", of_variable(*variable)};
    Json inner = of(unary->getSubExpr());
    switch (unary->getOpcode()) {
      case UO_Deref: return inner.at(0) == "a" ? Json(inner.at(1)) : Json{"d", std::move(inner)};
      case UO_AddrOf:
        if (inner.at(0) == "f") return inner;
        return inner.at(0) == "d" ? Json(inner.at(1)) : Json{"a", std::move(inner)};
      case UO_Plus:
      case UO_Extension: return inner;
      default: return {"u", UnaryOperator::getOpcodeStr(unary->getOpcode()).str(), std::move(inner)};
    }
  }
  if (const auto* binary = dyn_cast<BinaryOperator>(&expression)) {
    if (binary->getOpcode() == BO_Comma) return of(binary->getRHS());
    return {"b", binary->getOpcodeStr().str(), of(binary->getLHS()), of(binary->getRHS())};
  }
  if (const auto* access = dyn_cast<ArraySubscriptExpr>(&expression)) return element(*access);
  if (const auto* call = dyn_cast<CallExpr>(&expression)) {
    const std::string name = callee(*call);
    if ((name == "__builtin_expect" || name == "__builtin_expect_with_probability" || name == "__builtin_assume_aligned") &&
        call->getNumArgs() > 0)
      return of(call->getArg(0));
    Json product = {"call", name.empty() ? of(call->getCallee()) : Json(name)};
    const bool copies = name.ends_with("memcpy") || name.ends_with("memmove");
    for (const Expr* argument : call->arguments()) {
      const auto* address = dyn_cast<UnaryOperator>(argument->IgnoreParenCasts());
      const bool is_source = copies && product.size() == 3 && address != nullptr && address->getOpcode() == UO_AddrOf;
      Json source = is_source ? copied(*address->getSubExpr()) : Json();
      product.push_back(is_a(source, "o") ? Json::array({"a", std::move(source)}) : of(argument));
    }
    return product;
  }
  if (const auto* atomic = dyn_cast<AtomicExpr>(&expression)) {
    // Without the memory order, which says nothing of values.
    Json product = {"call", atomic->getOpAsString().str(), of(atomic->getPtr())};
    if (atomic->getNumSubExprs() > 2) product.push_back(of(atomic->getVal1()));
    if (atomic->getNumSubExprs() > 4) product.push_back(of(atomic->getVal2()));
    return product;
  }
  if (const auto* literal = dyn_cast<CompoundLiteralExpr>(&expression)) return of(literal->getInitializer());
  if (const auto* list = dyn_cast<InitListExpr>(&expression); list != nullptr && list->getType()->isRecordType())
    return object(*list);
  if (const auto* choice = dyn_cast<AbstractConditionalOperator>(&expression))
    return {"q", of(choice->getCond()), of(choice->getTrueExpr()), of(choice->getFalseExpr())};
  if (const auto* opaque = dyn_cast<OpaqueValueExpr>(&expression)) return of(opaque->getSourceExpr());
  if (const auto* chosen = dyn_cast<ChooseExpr>(&expression)) return of(chosen->getChosenSubExpr());
  if (const auto* generic = dyn_cast<GenericSelectionExpr>(&expression)) return of(generic->getResultExpr());
  if (const auto* block = dyn_cast<StmtExpr>(&expression)) {
    const auto* last = block->getSubStmt()->body_empty() ? nullptr : dyn_cast<Expr>(block->getSubStmt()->body_back());
    return last == nullptr ? Json{"none"} : of(last);
  }
  Json product = {"x", expression.getStmtClassName()};
  for (const Stmt* child : expression.children())
    if (const auto* inner = dyn_cast_or_null<Expr>(child)) product.push_back(of(inner));
  return product;
}

}  // namespace hotpatch::syntax
