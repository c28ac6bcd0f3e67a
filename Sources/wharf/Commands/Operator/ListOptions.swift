import ArgumentParser
import Assembly
import FoundationEssentials
import Input
import JSON
import Messaging
import Operator
import Terminal

/// The options of every list command.
struct ListOptions: ParsableArguments, Sendable {
    @Option(help: "The maximum number to list.") var limit = PageRequest.defaultLimit
    @Flag(help: "List all, page by page.") var all = false
    @Option(help: "The cursor that an earlier list printed.") var cursor: String?
    @Flag(help: "Print one JSON document.") var json = false
    @Flag(help: "Print one JSON object per line.") var ndjson = false

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
        if json, ndjson { throw ValidationError("Give either --json or --ndjson.") }
    }
}

extension Terminal {
    static let own = Terminal(environment: ProcessInfo.processInfo.environment)
}

/// Prints a list of any length in the memory of one page.
struct ListPrinter<Item: Decodable & Sendable>: Sendable {
    let options: ListOptions
    let columns: [Column<Item>]
    /// The text printed instead of an empty table.
    let emptiness: String
    var terminal = Terminal.own
    /// False once the reader has closed the pipe.
    var write: @Sendable (String) -> Bool = { Console.print($0) }
    /// For remarks that are not part of the list.
    var remark: @Sendable (String) -> Void = { Role.complain($0) }

    func print(_ operation: String, _ parameters: [String: String], _ requests: any OperatorRequests) async throws {
        if options.json { return try await printJSON(operation, parameters, requests) }
        if options.ndjson { return try await printLines(operation, parameters, requests) }
        var table = Columns(columns)
        let isPlain = terminal.columns == nil
        var count = 0
        let next = try await eachPage(Item.self, operation, parameters, requests) { items in
            count += items.count
            if isPlain { return write(table.plain(items)) }
            return items.isEmpty || write(table.table(items, terminal.paint, width: terminal.columns))
        }
        if count == 0, !isPlain { _ = write(emptiness + "\n") }
        if let next, !isPlain { remark("there are more; use --cursor \(next), or --all") }
    }

    private func printLines(_ operation: String, _ parameters: [String: String], _ requests: any OperatorRequests) async throws {
        _ = try await eachPage(JSONValue.self, operation, parameters, requests) { items in
            write(try items.map { String(decoding: try JSON.encode($0), as: UTF8.self) + "\n" }.joined())
        }
    }

    private func printJSON(_ operation: String, _ parameters: [String: String], _ requests: any OperatorRequests) async throws {
        guard write(#"{"items":["#) else { return }
        var isFirst = true
        let next = try await eachPage(JSONValue.self, operation, parameters, requests) { items in
            let text = try items.map { String(decoding: try JSON.encode($0), as: UTF8.self) }.joined(separator: ",\n")
            defer { if !items.isEmpty { isFirst = false } }
            return items.isEmpty || write((isFirst ? "" : ",\n") + text)
        }
        let cursor = try next.map { ",\"nextCursor\":" + String(decoding: try JSON.encode($0), as: UTF8.self) } ?? ""
        _ = write("]\(cursor)}\n")
    }

    /// Passes page after page to `body` until there are no more pages, the limit is reached, or `body` returns false. Returns the cursor of the next page, if any.
    private func eachPage<Row: Decodable & Sendable>(
        _ type: Row.Type, _ operation: String, _ parameters: [String: String], _ requests: any OperatorRequests, _ body: ([Row]) throws -> Bool
    ) async throws -> String? {
        var (cursor, left) = (options.cursor, options.limit)
        repeat {
            var query = parameters
            query["limit"] = String(options.all ? PageRequest.maximumLimit : min(left, PageRequest.maximumLimit))
            query["cursor"] = cursor
            let page = try await requests.get(Listed<Row>.self, operation, query)
            cursor = page.nextCursor
            left -= page.items.count
            guard try body(page.items) else { return nil }
        } while cursor != nil && (options.all || left > 0)
        return cursor
    }
}
