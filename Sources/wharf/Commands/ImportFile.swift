import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Gzip
import JSON
import Messaging
import Secrets
import Terminal

/// A file to be imported, decompressed.
struct ImportFile: Sendable {
    /// The most bytes that an import accepts.
    static let maximumBytes = 67_108_864
    /// The bytes of the file in one message.
    private static let pieceBytes = 524_288
    /// The most attempts to send a piece whose fate is unknown; repeated pieces count once.
    private static let maximumTries = 3

    let contentType: String
    private let bytes: [UInt8]

    /// Prints the reason and ends with exit status 1 if the file cannot be read.
    init(path: String) throws {
        let plain = path.hasSuffix(".gz") ? String(path.dropLast(".gz".count)) : path
        contentType = plain.hasSuffix(".ndjson") || plain.hasSuffix(".jsonl") ? "application/x-ndjson" : "text/csv"
        do {
            let data = Array(try Data(contentsOf: URL(filePath: path)))
            bytes = data.starts(with: [0x1F, 0x8B]) ? try Gzip.unpack(data, limit: Self.maximumBytes) : data
        } catch Gzip.Failure.malformed {
            throw Self.complaint("\(path) is damaged: it begins like a gzip file, but is not one.")
        } catch Gzip.Failure.tooLarge {
            throw Self.complaint(Self.tooLarge(path))
        } catch {
            throw Self.complaint("\(path) cannot be read: \(FileTrouble.reason(error)).")
        }
        guard bytes.count <= Self.maximumBytes else { throw Self.complaint(Self.tooLarge(path)) }
    }

    private static func tooLarge(_ path: String) -> String { "\(path) has more than \(maximumBytes) bytes; split it." }

    private static func complaint(_ text: String) -> ExitCode {
        Role.complain(text)
        return ExitCode(1)
    }

    /// Sends the file piece by piece, and then the request to import it. Returns the reply to that request, or to the first piece that was refused.
    func send(_ parameters: [String: String], _ shell: ShellRequests) async throws -> Reply {
        let upload = shell.newID()
        var parameters = parameters
        parameters["upload"] = upload.lowerCaseText
        for place in stride(from: 0, to: bytes.count, by: Self.pieceBytes) {
            let piece = Array(bytes[place..<min(bytes.count, place + Self.pieceBytes)])
            let given = parameters.merging(["upload-place": "\(place)"]) { _, new in new }
            let reply = try await trying {
                try await shell.reply(MessageName.storeImportPiece, .command, given, body: piece, id: .v5(namespace: upload, name: "\(place)"))
            }
            guard reply.status == 204 else { return reply }
        }
        let given = parameters
        let body = try JSON.encode(["bytes": bytes.count])
        return try await trying { try await shell.reply("catalog.imports.create", .durable, given, body: body, id: upload) }
    }

    private func trying(_ send: () async throws -> Reply) async throws -> Reply {
        var tries = 1
        while true {
            do {
                return try await send()
            } catch is RequestClient.Unanswered where tries < Self.maximumTries {
                tries += 1
            }
        }
    }
}
