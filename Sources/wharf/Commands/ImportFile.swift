import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Gzip
import Messaging
import Terminal

/// A file to be imported, decompressed.
struct ImportFile: Sendable {
    let contentType: String
    private let bytes: [UInt8]

    /// Prints the reason and ends with exit status 1 if the file cannot be read.
    init(path: String) throws {
        let plain = path.hasSuffix(".gz") ? String(path.dropLast(".gz".count)) : path
        contentType = plain.hasSuffix(".ndjson") || plain.hasSuffix(".jsonl") ? "application/x-ndjson" : "text/csv"
        do {
            let data = Array(try Data(contentsOf: URL(filePath: path)))
            bytes = data.starts(with: [0x1F, 0x8B]) ? try Gzip.unpack(data, limit: Upload.maximumBytes) : data
        } catch Gzip.Failure.malformed {
            throw Self.complaint("\(path) is damaged: it begins like a gzip file, but is not one.")
        } catch Gzip.Failure.tooLarge {
            throw Self.complaint(Self.tooLarge(path))
        } catch {
            throw Self.complaint("\(path) cannot be read: \(FileTrouble.reason(error)).")
        }
        guard bytes.count <= Upload.maximumBytes else { throw Self.complaint(Self.tooLarge(path)) }
    }

    private static func tooLarge(_ path: String) -> String { "\(path) has more than \(Upload.maximumBytes) bytes; split it." }

    private static func complaint(_ text: String) -> ExitCode {
        Role.complain(text)
        return ExitCode(1)
    }

    /// Sends the file piece by piece, and then the request to import it. Returns the reply to that request, or to the first piece that was refused.
    func send(_ parameters: [String: String], _ shell: ShellRequests) async throws -> Reply {
        let upload = Upload(id: shell.newID())
        for place in stride(from: 0, to: bytes.count, by: Upload.pieceBytes) {
            let piece = Array(bytes[place..<min(bytes.count, place + Upload.pieceBytes)])
            let reply = try await Upload.trying {
                try await shell.reply(MessageName.storeImportPiece, .command, upload.parameters(parameters, at: place), body: piece, id: upload.id(at: place))
            }
            guard reply.status == 204 else { return reply }
        }
        let body = try Upload.body(bytes: bytes.count)
        return try await Upload.trying {
            try await shell.reply("catalog.imports.create", .durable, upload.parameters(parameters), body: body, id: upload.id)
        }
    }
}
