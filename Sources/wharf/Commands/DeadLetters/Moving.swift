import ArgumentParser
import Assembly
import FoundationEssentials
import JSON
import Messaging
import Operator
import Runtime
import Terminal

extension DeadLettersCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints complete letters as NDJSON, one per line, for import into this shop or another one.",
            discussion: "Memory use does not depend on the number of letters. A letter that changes during the export may be missing or appear twice.")

        @OptionGroup(title: "Filter") var filter: LetterFilter
        @Option(help: LetterStates.help) var state = "open"

        func run() async throws {
            let parameters = filter.parameters.merging(["state": state]) { $1 }
            let count = try await ShellRequests.run("dead-letters") { try await LetterTransfer.export(parameters, $0) { Console.print($0) } }
            Role.complain("\(count) letters exported")
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Imports exported letters from a file or standard input.",
            discussion: "An existing letter is unchanged, so an import may be repeated. Exit status 0: all were accepted. 1: some were not; each is named with its line.")

        @Argument(help: "The file; - for standard input.") var file = "-"
        @Flag(help: "Check all lines without importing them.") var dryRun = false

        func run() async throws {
            let (file, dryRun) = (file, dryRun)
            let result = try await ShellRequests.run("dead-letters") { shell in
                let lines = try LineReader(path: file)
                return try await LetterTransfer.import({ try lines.next() }, dryRun: dryRun, shell) { Role.complain($0) }
            }
            Role.complain(result.text(dryRun: dryRun))
            if result.refused > 0 { throw ExitCode.failure }
        }
    }
}

/// Exports and imports letters.
enum LetterTransfer {
    /// Letters requested or sent at once.
    static let concurrency = 16
    /// Letters in memory.
    static let page = 100

    /// Returns how many letters were written; stops when the reader has closed the pipe.
    static func export(_ parameters: [String: String], _ requests: any OperatorRequests, _ write: @Sendable (String) -> Bool) async throws -> Int {
        var cursor: String?
        var count = 0
        repeat {
            var query = parameters
            query["limit"] = String(page)
            query["cursor"] = cursor
            let list = try await requests.get(Listed<Letter>.self, "deadletters.letters.list", query)
            let whole = try await list.items.concurrentMap(limit: concurrency) { letter in
                try await requests.send("deadletters.letters.get", .query, ["id": letter.id], [])
            }
            for reply in whole where reply.status != 404 {
                guard reply.status < 300 else { throw Refusal(reply) }
                guard write(String(decoding: reply.body, as: UTF8.self) + "\n") else { return count }
                count += 1
            }
            cursor = list.nextCursor
        } while cursor != nil
        return count
    }

    /// Imports line by line; a refused line does not stop the others.
    static func `import`(
        _ next: () throws -> [UInt8]?, dryRun: Bool, _ requests: any OperatorRequests, complain: @escaping @Sendable (String) -> Void
    ) async throws -> Imported {
        var (imported, number) = (Imported(), 0)
        var isOver = false
        while !isOver {
            var batch: [(number: Int, line: [UInt8])] = []
            while batch.count < concurrency {
                guard let line = try next() else {
                    isOver = true
                    break
                }
                number += 1
                if line.contains(where: { $0 > 0x20 }) { batch.append((number, line)) }
            }
            let results = try await batch.concurrentMap(limit: concurrency) { item in
                do {
                    guard (try? JSON.decode(Letter.self, from: item.line)) != nil else { throw Flaw() }
                    if dryRun { return Imported(new: 1) }
                    let reply = try await requests.accepted("deadletters.letters.import", .command, [:], item.line)
                    return reply.status == 201 ? Imported(new: 1) : Imported(known: 1)
                } catch let refusal as Refusal {
                    complain("line \(item.number): \(refusal.description.printable)")
                } catch is Flaw {
                    complain("line \(item.number): not an exported letter")
                }
                return Imported(refused: 1)
            }
            imported = results.reduce(imported, +)
        }
        return imported
    }

    /// What became of the letters of a file.
    struct Imported: Sendable, Equatable {
        var new = 0
        /// Letters that existed, and were left as they were.
        var known = 0
        var refused = 0

        static func + (one: Imported, other: Imported) -> Imported {
            Imported(new: one.new + other.new, known: one.known + other.known, refused: one.refused + other.refused)
        }

        func text(dryRun: Bool) -> String {
            dryRun ? "\(new) letters read, \(refused) refused" : "\(new) letters imported, \(known) existed, \(refused) refused"
        }
    }

    private struct Flaw: Error {}
}
