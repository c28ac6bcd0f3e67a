import AMQP
import DeadLetters
import FoundationEssentials
import JSON
import Messaging
import Operator
import Runtime
import Terminal

/// Exports and imports letters. Each line is a reply of `deadletters.letters.get` and a request of `deadletters.letters.import`: a letter with its body or a part of it.
enum LetterTransfer {
    /// Limits the letters requested or sent at once, and so those in memory.
    static let concurrency = 16
    /// Letters on one page of the list.
    static let page = 100
    /// Limits the bytes of the letters read from a file and sent at once, unless a single letter is larger.
    static let maximumBatch = 16 << 20

    /// Returns how many letters were written; stops when the reader has closed the pipe.
    static func export(_ parameters: [String: String], _ requests: any OperatorRequests, _ write: @Sendable (String) -> Bool) async throws -> Int {
        var cursor: String?
        var count = 0
        repeat {
            var query = parameters
            query["limit"] = String(page)
            query["cursor"] = cursor
            let list = try await requests.get(Listed<Letter>.self, "deadletters.letters.list", query)
            var rest = list.items[...]
            while !rest.isEmpty {
                let letters = rest.prefix(concurrency).map(\.id)
                rest = rest.dropFirst(concurrency)
                let replies = try await letters.concurrentMap(limit: concurrency) { try await requests.send("deadletters.letters.get", .query, ["id": $0], []) }
                for (letter, reply) in zip(letters, replies) where reply.status != 404 {
                    guard try await writeParts(of: letter, reply, requests, write) else { return count }
                    count += 1
                }
            }
            cursor = list.nextCursor
        } while cursor != nil
        return count
    }

    /// Writes a letter, starting with the first part of its body. Returns false when the reader has closed the pipe.
    private static func writeParts(of letter: String, _ first: Reply, _ requests: any OperatorRequests, _ write: (String) -> Bool) async throws -> Bool {
        var reply = first
        while true {
            // The letter was deleted after its first part had been written. An import reports it as incomplete.
            if reply.status == 404 { return true }
            guard reply.status < 300 else { throw Refusal(reply) }
            guard write(String(decoding: reply.body, as: UTF8.self) + "\n") else { return false }
            guard let next = try JSON.decode(Part.self, from: reply.body).nextBodyOffset else { return true }
            reply = try await requests.send("deadletters.letters.get", .query, ["id": letter, "bodyOffset": String(next)], [])
        }
    }

    /// Imports letter by letter; a refused letter does not stop the others.
    static func `import`(
        _ next: () throws -> [UInt8]?, dryRun: Bool, _ requests: any OperatorRequests, complain: @escaping @Sendable (String) -> Void
    ) async throws -> Imported {
        var (imported, reader) = (Imported(), ExportedLetters())
        while true {
            var batch: [ExportedLetters.Letter] = []
            while batch.count < concurrency, batch.reduce(0, { $0 + $1.bytes }) < maximumBatch, let letter = try reader.next(next) { batch.append(letter) }
            if batch.isEmpty { return imported }
            imported = try await batch.concurrentMap(limit: concurrency) { letter in
                if let flaw = letter.flaw {
                    complain(flaw)
                    return Imported(refused: 1)
                }
                return dryRun ? Imported(new: 1) : try await send(letter, requests, complain)
            }.reduce(imported, +)
        }
    }

    private static func send(
        _ letter: ExportedLetters.Letter, _ requests: any OperatorRequests, _ complain: @Sendable (String) -> Void
    ) async throws -> Imported {
        var isNew = false
        for line in letter.lines {
            do {
                let reply = try await requests.accepted("deadletters.letters.import", .command, [:], line.bytes)
                if reply.status == 201 { isNew = true }
            } catch let refusal as Refusal {
                complain("line \(line.number): \(refusal.description.printable)")
                return Imported(refused: 1)
            }
        }
        return isNew ? Imported(new: 1) : Imported(known: 1)
    }

    private struct Part: Decodable {
        let nextBodyOffset: Int?
    }

    /// The outcome of importing a file.
    struct Imported: Sendable, Equatable {
        var new = 0
        /// Letters that already existed and were not changed.
        var known = 0
        var refused = 0

        static func + (one: Imported, other: Imported) -> Imported {
            Imported(new: one.new + other.new, known: one.known + other.known, refused: one.refused + other.refused)
        }

        func text(dryRun: Bool) -> String {
            dryRun ? "\(new) letters read, \(refused) refused" : "\(new) letters imported, \(known) existed, \(refused) refused"
        }
    }
}

/// The letters in an exported file, each with all its lines.
struct ExportedLetters {
    struct Letter: Sendable {
        /// Nil if the line is not an exported letter.
        let id: String?
        var lines: [Line]

        var bytes: Int { lines.reduce(0) { $0 + $1.bytes.count } }

        /// Why the letter cannot be imported, with the line number; nil if no reason is known.
        var flaw: String? {
            guard let last = lines.last else { return nil }
            if id == nil { return "line \(last.number): not an exported letter" }
            return last.isContinued ? "line \(last.number): the rest of the letter is missing" : nil
        }
    }

    struct Line: Sendable {
        let number: Int
        let bytes: [UInt8]
        /// Whether the letter's body continues in the following lines.
        let isContinued: Bool
    }

    /// Limits the lines of one letter; enough for the parts of the largest body.
    private static let maximumLines = Publication.maximumBodyBytes / BodyPart.maximumBytes + 2

    private struct Content: Decodable {
        let id: String
        let bodyOffset: Int?
        let nextBodyOffset: Int?

        private enum Member: String, CodingKey { case bodyOffset, nextBodyOffset }

        init(from decoder: any Decoder) throws {
            id = try Operator.Letter(from: decoder).id
            let members = try decoder.container(keyedBy: Member.self)
            bodyOffset = try members.decodeIfPresent(Int.self, forKey: .bodyOffset)
            nextBodyOffset = try members.decodeIfPresent(Int.self, forKey: .nextBodyOffset)
        }
    }

    private var number = 0
    /// The first line of the next letter.
    private var ahead: Letter?

    /// Nil after the last letter.
    mutating func next(_ nextLine: () throws -> [UInt8]?) throws -> Letter? {
        var letter = ahead.take()
        while ahead == nil, let bytes = try nextLine() {
            number += 1
            guard bytes.contains(where: { $0 > 0x20 }) else { continue }
            let content = try? JSON.decode(Content.self, from: bytes)
            let line = Line(number: number, bytes: bytes, isContinued: content?.nextBodyOffset != nil)
            if let current = letter, let offset = content?.bodyOffset, offset > 0, current.id == content?.id, current.lines.count < Self.maximumLines {
                letter?.lines.append(line)
            } else if letter == nil {
                letter = Letter(id: content?.id, lines: [line])
            } else {
                ahead = Letter(id: content?.id, lines: [line])
            }
        }
        return letter
    }
}
