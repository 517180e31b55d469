// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/accessors.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace hotpatch::safety {
namespace {

constexpr std::size_t kOne = ~std::size_t{0};  // in an argument's place: the value is 1

/// The arguments with the place and the value, and what is done.
struct Shape {
  std::string_view name;
  std::size_t place;
  std::size_t value;
  std::string_view operation;
};

/// After "atomic_", "atomic64_", "atomic_long_" or "refcount_", and "fetch_"; what follows says how the result is told.
constexpr auto kVerbs = std::to_array<Shape>({{"set", 0, 1, "="},
                                              {"xchg", 0, 1, "="},
                                              {"cmpxchg", 0, 2, "="},
                                              {"add", 1, 0, "+="},
                                              {"sub", 1, 0, "-="},
                                              {"inc", 0, kOne, "+="},
                                              {"dec", 0, kOne, "-="},
                                              {"or", 1, 0, "|="},
                                              {"and", 1, 0, "&="}});

/// Whole names, without the underscores and prefixes that their variants have.
constexpr auto kNames = std::to_array<Shape>({{"set_bit", 1, 0, "|= bit"},
                                              {"clear_bit", 1, 0, "&= bit"},
                                              {"cmpxchg", 0, 2, "="},
                                              {"sema_init", 0, 1, "="},
                                              {"write_u8_atomic", 0, 1, "="},
                                              {"write_u16_atomic", 0, 1, "="},
                                              {"write_u32_atomic", 0, 1, "="},
                                              {"write_u64_atomic", 0, 1, "="},
                                              {"add_sized", 0, 1, "+="},
                                              {"atomic_store", 0, 1, "="},
                                              {"atomic_store_n", 0, 1, "="},
                                              {"atomic_exchange_n", 0, 1, "="},
                                              {"atomic_compare_exchange_n", 0, 2, "="},
                                              {"atomic_fetch_add", 0, 1, "+="},
                                              {"atomic_add_fetch", 0, 1, "+="},
                                              {"atomic_fetch_sub", 0, 1, "-="},
                                              {"atomic_sub_fetch", 0, 1, "-="},
                                              {"atomic_fetch_or", 0, 1, "|="},
                                              {"atomic_or_fetch", 0, 1, "|="},
                                              {"sync_val_compare_and_swap", 0, 2, "="},
                                              {"sync_bool_compare_and_swap", 0, 2, "="},
                                              {"sync_lock_test_and_set", 0, 1, "="},
                                              {"sync_fetch_and_add", 0, 1, "+="},
                                              {"sync_add_and_fetch", 0, 1, "+="},
                                              {"sync_fetch_and_sub", 0, 1, "-="},
                                              {"sync_sub_and_fetch", 0, 1, "-="},
                                              {"sync_fetch_and_or", 0, 1, "|="}});

bool drop(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

/// Without what variants of one function are told apart by.
std::string_view stem_of(std::string_view name) {
  while (drop(name, "_") || drop(name, "arch_") || drop(name, "raw_") || drop(name, "builtin_") || drop(name, "underlying_") ||
         drop(name, "test_and_")) {}
  // The compiler's names of the sizes.
  if (name.starts_with("sync_"))
    for (const std::string_view size : {"_1", "_2", "_4", "_8", "_16"})
      if (name.ends_with(size)) {
        name.remove_suffix(size.size());
        break;
      }
  return name;
}

std::optional<Shape> shape_of(const std::string& whole) {
  const std::string_view name = stem_of(whole);
  // Xen's takes the value first; the compiler's builtins, and Linux's macro, the place.
  if (name == "xchg") return whole == "__xchg" ? Shape{"xchg", 1, 0, "="} : Shape{"xchg", 0, 1, "="};
  const auto named = std::ranges::find(kNames, name, &Shape::name);
  if (named != kNames.end()) return *named;
  std::string_view rest = name;
  if (!drop(rest, "atomic_long_") && !drop(rest, "atomic64_") && !drop(rest, "atomic_") && !drop(rest, "refcount_"))
    return std::nullopt;
  (void)drop(rest, "fetch_");
  (void)drop(rest, "try_");
  const std::string_view verb = rest.substr(0, rest.find('_'));
  const auto shape = std::ranges::find(kVerbs, verb, &Shape::name);
  if (shape == kVerbs.end()) return std::nullopt;
  if (rest == "add_unless") return Shape{"add", 0, 1, "+="};
  return *shape;
}

/// The whole of an object that is filled by its address; nothing where it is a local, or of no type.
std::optional<Form> filled(const Form& place, const Form& size) {
  if (is_a(place, "a")) return place.at(1);
  if (is_a(place, "g")) return place;
  const bool is_object = is_a(size, "z") && size.at(1).get<std::string>().starts_with("struct ");
  if (is_object) return Form::array({"m", size.at(1), "*", place});
  if (is_a(place, "m") || is_a(place, "n")) return place;
  return std::nullopt;
}

bool is_range(std::string_view name) { return name == "bitmap_set" || name == "bitmap_clear"; }

}  // namespace

Form pointee(const Form& pointer) { return is_a(pointer, "a") ? pointer.at(1) : Form::array({"d", pointer}); }

bool copies_object(const std::string& name) {
  const std::string_view stem = stem_of(name);
  return stem == "memcpy" || stem == "memmove";
}

bool is_accessor(const std::string& name) {
  const std::string_view stem = stem_of(name);
  return stem == "memset" || is_range(stem) || shape_of(name).has_value();
}

std::optional<Access> access_of(const Form& call) {
  const std::string name = called_name(call);
  const std::string_view stem = stem_of(name);
  const auto argument = [&](std::size_t index) -> const Form& { return call.at(2 + index); };
  const std::size_t count = call.size() < 2 ? 0 : call.size() - 2;
  if (stem == "memset") {
    const std::optional<Form> whole = count < 3 ? std::nullopt : filled(argument(0), argument(2));
    if (!whole) return std::nullopt;
    return Access{*whole, "= all bytes", argument(1)};
  }
  if (is_range(stem)) {
    if (count < 3) return std::nullopt;
    return Access{argument(0), stem == "bitmap_set" ? "|= bits" : "&= bits",
                  Form::array({"x", "range", argument(1), argument(2)})};
  }
  const std::optional<Shape> shape = shape_of(name);
  if (!shape || count <= shape->place || (shape->value != kOne && count <= shape->value)) return std::nullopt;
  // A counter that is passed by its address has no type but its own; a word that is exchanged through a plain pointer is known to be one.
  const bool is_counter = shape->operation == "+=" || shape->operation == "-=" || shape->operation.ends_with("bit");
  const Form& place = argument(shape->place);
  return Access{is_counter || is_a(place, "a") ? place : pointee(place), std::string(shape->operation),
                shape->value == kOne ? Form::array({"c", 1}) : argument(shape->value)};
}

}  // namespace hotpatch::safety
