#include "entries.hpp"

#include "commands.hpp"
#include "core/json_access.hpp"
#include "core/object_reader.hpp"
#include "core/secret_file.hpp"
#include "observe/key_file.hpp"
#include "store/documents.hpp"
#include "terminal.hpp"

#include <claudio/models.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/serializer.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iostream>
#include <string.h> // explicit_bzero is not in <cstring>
#include <unistd.h>
#include <utility>

namespace claudio::tool {
namespace json = boost::json;

namespace {

std::string format_time(std::chrono::system_clock::time_point time, char const* format) {
  auto const seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, format, &parts);
  return text;
}

json::value value_of(std::string_view text) {
  auto parsed = parse_json(text);
  return parsed ? std::move(*parsed) : json::value(json::string_view(text.data(), text.size()));
}

// The place for a value in a patch, whose objects are made on the way.
result<json::value*> place_in(json::object& patch, std::string const& field) {
  constexpr std::ptrdiff_t deepest = 32;
  if (std::count(field.begin(), field.end(), '.') > deepest)
    return configuration_fault("--set", "the field is nested too deep");
  auto* object = &patch;
  std::size_t begin = 0;
  for (auto dot = field.find('.'); dot != std::string::npos; dot = field.find('.', begin)) {
    auto& part = (*object)[field.substr(begin, dot - begin)];
    if (part.is_null())
      part.emplace_object();
    if (!part.is_object())
      return configuration_fault(field, "a field above it is set to a value too");
    object = &part.get_object();
    begin = dot + 1;
  }
  if (begin == field.size())
    return configuration_fault(field, "not the name of a field, such as retry.max_retries");
  return &(*object)[field.substr(begin)];
}

// Other users of the machine see the arguments of a program.
result<void> require_no_secrets(json::object& patch) {
  auto* const config = find_value(patch, "provider_config");
  if (!config || !config->is_object())
    return {};
  result<void> outcome;
  documents::for_each_secret(config->get_object(), [&](std::string const& field, json::value& value) {
    auto const text = value.is_string() ? std::string_view(value.get_string()) : std::string_view();
    bool const is_open = text.empty() || text == "vault:" || text.starts_with("env:") || text.starts_with("file:") ||
                         (field == "proxy" && text.find('@') == std::string_view::npos);
    if (!is_open)
      outcome = configuration_fault(field, "a secret is not given as an argument, which other users can see; use "
                                           "claudio secret set, or name where it is: env:NAME, file:PATH");
  });
  return outcome;
}

using text_sink = std::function<void(std::string_view piece)>;

void begin_line(std::size_t depth, text_sink const& sink) {
  sink("\n");
  for (; depth > 0; --depth)
    sink("  ");
}

// Not by the library's serialize, which makes a copy of a text, that may be a secret, and writes 0.5 as 5E-1.
void write_scalar(json::value const& value, text_sink const& sink) {
  char buffer[128];
  if (value.is_double()) {
    auto const end = std::to_chars(buffer, buffer + sizeof buffer, value.get_double()).ptr;
    return sink({buffer, static_cast<std::size_t>(end - buffer)});
  }
  json::serializer serializer;
  serializer.reset(&value);
  while (!serializer.done()) {
    auto const piece = serializer.read(buffer);
    sink({piece.data(), piece.size()});
  }
  ::explicit_bzero(buffer, sizeof buffer);
}

void write_indented(json::value const& value, std::size_t depth, text_sink const& sink) {
  auto const* const object = value.if_object();
  auto const* const array = value.if_array();
  if ((!object || object->empty()) && (!array || array->empty()))
    return write_scalar(value, sink);
  sink(object ? "{" : "[");
  std::string_view separator;
  auto const next = [&] {
    sink(std::exchange(separator, ","));
    begin_line(depth + 1, sink);
  };
  if (object)
    for (auto const& [name, inner] : *object) {
      next();
      write_scalar(json::value(name), sink);
      sink(": ");
      write_indented(inner, depth + 1, sink);
    }
  else
    for (auto const& inner : *array) {
      next();
      write_indented(inner, depth + 1, sink);
    }
  begin_line(depth, sink);
  sink(object ? "}" : "]");
}

void print_field(std::string const& path, json::value const& value) {
  if (auto const* const object = value.if_object(); object && !object->empty()) {
    for (auto const& [name, inner] : *object)
      print_field(path + (path.empty() ? "" : ".") + std::string(name), inner);
    return;
  }
  std::cout << printable(path) << ": ";
  if (auto const* const text = value.if_string())
    std::cout << printable(*text);
  else if (value.is_array())
    std::cout << json::serialize(value);
  else
    write_scalar(value, [](std::string_view piece) { std::cout << piece; });
  std::cout << "\n";
}

json::object as_json(stored_entry const& entry) {
  auto document = entry.document;
  document["created_at"] = date_of(entry.created);
  document["updated_at"] = date_of(entry.updated);
  if (entry.fault)
    document["fault"] = entry.fault->message();
  return document;
}

json::object with_hints(json::object document, std::vector<stored_secret> const& secrets) {
  auto const name = find_string(document, "name");
  auto* const config = find_value(document, "provider_config");
  if (config && config->is_object())
    documents::for_each_secret(config->get_object(), [&](std::string const& field, json::value& value) {
      if (!value.is_string() || value.get_string() != "vault:")
        return;
      value = "(none yet)";
      for (auto const& known : secrets)
        if (known.provider == name && known.field == field)
          value = known.fault ? "(can't be decrypted)" : known.hint;
    });
  return document;
}

} // namespace

int report_line(error const& failure) {
  std::cerr << "claudio: " << printable(failure.message()) << "\n";
  bool const is_usage = failure.code() == errc::configuration || failure.code() == errc::unsupported ||
                        failure.code() == errc::transformation || failure.code() == errc::vault;
  return is_usage ? usage_error : work_failed;
}

int with_store(store_choice const& choice, std::function<result<void>(opened_store& opened)> const& work,
               missing_database when_missing) {
  opened_store opened(choice);
  if (auto const ready = opened.open(when_missing); !ready)
    return report_line(ready.error());
  if (auto const done = work(opened); !done)
    return report_line(done.error());
  std::cout.flush();
  if (std::cout)
    return success;
  std::cerr << "claudio: can't write to standard output\n";
  return work_failed;
}

result<secret> read_input(secret_input const& from, std::string const& question) {
  if (!from.variable.empty())
    return read_secret_variable(from.variable);
  auto const name = from.file.empty() ? std::string("standard input") : "the file \"" + from.file + "\"";
  auto text = !from.file.empty()            ? read_key_file(from.file, name)
              : ::isatty(STDIN_FILENO) == 1 ? ask_secretly(question)
                                            : read_secret(STDIN_FILENO, name);
  if (!text)
    return text;
  return without_trailing_space(std::move(*text), name);
}

result<json::object> make_patch(std::vector<std::string> const& set, std::vector<std::string> const& unset) {
  json::object patch;
  for (auto const& given : set) {
    auto const equals = given.find('=');
    if (equals == std::string::npos || equals == 0)
      return configuration_fault("--set", "expected FIELD=VALUE, such as retry.max_retries=5");
    auto const place = place_in(patch, given.substr(0, equals));
    if (!place)
      return place.error();
    **place = value_of(std::string_view(given).substr(equals + 1));
  }
  for (auto const& field : unset) {
    auto const place = place_in(patch, field);
    if (!place)
      return place.error();
    **place = nullptr;
  }
  if (auto const checked = require_no_secrets(patch); !checked)
    return checked.error();
  return patch;
}

result<void> require_fields(json::object const& document, std::vector<std::string> const& fields) {
  for (auto const& field : fields) {
    auto const* object = &document;
    std::size_t begin = 0;
    for (auto dot = field.find('.'); object && dot != std::string::npos; dot = field.find('.', begin)) {
      object = find_object(*object, field.substr(begin, dot - begin));
      begin = dot + 1;
    }
    if (!object || !find_value(*object, field.substr(begin)))
      return error(errc::configuration, "there is no field " + field + " to be removed");
  }
  return {};
}

stored_entry const* find_entry(std::vector<stored_entry> const& entries, std::string_view name) {
  auto const found =
      std::find_if(entries.begin(), entries.end(), [&](stored_entry const& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

result<stored_entry> require_entry(std::string_view kind, std::vector<stored_entry> const& entries,
                                   std::string_view name) {
  if (auto const* const found = find_entry(entries, name))
    return *found;
  std::vector<std::string> names;
  for (auto const& entry : entries)
    names.push_back(entry.name);
  auto const near = nearest_name(name, names);
  return error(errc::configuration, "no " + std::string(kind) + " is named \"" + std::string(name) + "\"" +
                                        (near ? "; did you mean \"" + *near + "\"?" : std::string()));
}

std::string minute_of(std::chrono::system_clock::time_point time) { return format_time(time, "%Y-%m-%d %H:%M"); }

std::string date_of(std::chrono::system_clock::time_point time) { return format_time(time, "%Y-%m-%dT%H:%M:%SZ"); }

void print_list(std::vector<stored_entry> const& entries) {
  json::array list;
  for (auto const& entry : entries)
    list.push_back(as_json(entry));
  print_json(list);
}

void print_entry(stored_entry const& entry, std::vector<stored_secret> const& secrets, bool json) {
  if (json)
    print_json(as_json(entry));
  else
    print_field(std::string(), with_hints(as_json(entry), secrets));
}

void print_faults(std::vector<stored_entry> const& entries) {
  for (auto const& entry : entries)
    if (entry.fault)
      std::cerr << "claudio: " << printable(entry.fault->message()) << "\n";
}

void print_json(json::value const& value) {
  write_pretty(value, [](std::string_view piece) { std::cout << piece; });
  std::cout << "\n";
}

void write_pretty(json::value const& value, std::function<void(std::string_view piece)> const& sink) {
  write_indented(value, 0, sink);
}

} // namespace claudio::tool
