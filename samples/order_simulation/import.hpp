// Invoices out of a CSV file with the columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
// CustomerID and Country, one row for each line of an invoice. Whether an invoice makes sense is for the domain to say;
// here it only has to be readable.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <tyto/result.hpp>
#include <vector>

#include "csv.hpp"
#include "invoice.hpp"

namespace shop {

/// Returns the invoices in `text`, in the order of their first lines; the lines of one invoice may stand anywhere.
/// Other columns than those above are ignored, and their order is free.
tyto::result<std::vector<invoice>, csv_error> parse_invoices(std::string_view text);

/// Why a file was not imported: "FILE:LINE:COLUMN: what is wrong".
struct import_error {
  std::string what;
  [[nodiscard]] const std::string& message() const { return what; }
};

/// Reads the whole file, of at most 1 GiB, before anything is done with it.
tyto::result<std::vector<invoice>, import_error> import_invoices(const std::filesystem::path& file);

/// The same with a stream instead of a file; errors call it `name`.
tyto::result<std::vector<invoice>, import_error> import_invoices(std::istream& in, const std::string& name);

/// Returns a source of `invoices`.
invoice_source source_of(std::vector<invoice> invoices);

}  // namespace shop
