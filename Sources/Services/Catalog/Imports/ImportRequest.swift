import Contracts
import FoundationEssentials
import Input
import Messaging

/// What an administrator wants imported, and how its file is to be read.
struct ImportRequest: Sendable {
    let kind: ImportKind
    let format: ImportReader.Format
    let dryRun: Bool
    let encoding: TextEncoding?
    let mark: AmountReader.Mark?
    let currency: String?
    /// Names the file, and then the import.
    let upload: UUID

    init(_ fields: inout Fields) throws(Problem) {
        if !fields.has(parameter: "kind") { fields.note("kind", "is required: one of \(ImportKind.allCases.map(\.rawValue).joined(separator: ", "))") }
        kind = ImportKind(rawValue: fields.choiceParameter("kind", ImportKind.allCases.map(\.rawValue), default: ImportKind.products.rawValue)) ?? .products
        let type = fields.parameter("content-type").lowercased()
        format = type.contains("ndjson") ? .ndjson : .csv
        dryRun = fields.flagParameter("dryRun")
        let charset = Self.charset(type)
        if let charset, !TextEncoding.accepted.contains(charset) {
            fields.note("content-type", "must have a charset of \(TextEncoding.accepted.joined(separator: ", "))")
        }
        let declared = fields.has(parameter: "encoding") ? fields.choiceParameter("encoding", TextEncoding.accepted, default: "utf-8") : charset
        encoding = declared.flatMap(Self.encoding)
        mark =
            fields.has(parameter: "decimal")
            ? AmountReader.Mark(rawValue: fields.choiceParameter("decimal", AmountReader.Mark.allCases.map(\.rawValue), default: "point")) : nil
        currency = fields.optionalParameter("currency", 3...3)
        if let currency, let flaw = Money(amount: 0, currency: currency).flaw { fields.note("currency", flaw.detail) }
        upload = try fields.uuidParameter(Upload.parameter, of: "upload")
    }

    /// `utf-16` is left to the file's byte order mark, `iso-8859-1` is what WHATWG takes it for.
    private static func encoding(_ name: String) -> TextEncoding? {
        name == "iso-8859-1" ? .windows1252 : TextEncoding(rawValue: name)
    }

    private static func charset(_ type: String) -> String? {
        type.split(separator: ";").lazy.map { String($0).trimmed }.first { $0.hasPrefix("charset=") }.map {
            String($0.dropFirst("charset=".count).filter { $0 != "\"" })
        }
    }
}

/// A piece of a file on its way in.
struct FilePiece: Sendable {
    /// The ingress sends no larger ones.
    static let maximumBytes = 1_048_576

    let upload: UUID
    /// Where it begins in the file.
    let place: Int
    let bytes: [UInt8]

    static func read(_ request: Request) throws -> FilePiece {
        // Its body is no JSON.
        var head = request
        head.body = []
        guard request.body.count <= maximumBytes else { throw Failure("malformed-message", "a piece of a file has more than \(maximumBytes) bytes") }
        return try Fields.read(head) { fields in
            let upload = try ImportRequest(&fields).upload
            return FilePiece(upload: upload, place: fields.integerParameter(Upload.placeParameter, 0...Upload.maximumBytes, default: 0), bytes: request.body)
        }
    }
}

/// All pieces are there.
struct NewImport: Sendable {
    let request: ImportRequest
    let bytes: Int

    static func read(_ request: Request) throws -> NewImport {
        try Fields.read(request) { fields in
            let new = NewImport(request: try ImportRequest(&fields), bytes: fields.integer(Upload.bytesField, 0...Upload.maximumBytes))
            if new.bytes == 0, fields.errors.isEmpty { fields.note("body", "is empty: 0 bytes came") }
            return new
        }
    }
}

/// `catalog.imports.advance`: read on.
struct AdvanceImport: Sendable, Codable {
    let importID: UUID
    /// Counts the batches of an import: a message of one that is done does nothing.
    let step: Int
}

struct GetImport: Sendable {
    let id: UUID
    /// Of a page of rejected rows: the last one of the page before.
    let after: Int

    static func read(_ request: Request) throws -> GetImport {
        try Fields.read(request) { fields in
            GetImport(id: try fields.uuidParameter("id", of: "import"), after: fields.integerParameter("after", 0...Int.max, default: 0))
        }
    }
}
