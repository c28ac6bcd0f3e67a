import FoundationEssentials

/// Reading settings strictly: a field that is unknown or out of range is an error that names it.
extension FaultSettings {
    init(json: [UInt8]) throws(StripeError) {
        do {
            self = try JSONDecoder().decode(FaultSettings.self, from: Data(json))
        } catch let error as StripeError {
            throw error
        } catch {
            throw .invalidRequest("The body must be a JSON object.")
        }
    }
}

extension FaultSettings: Decodable {
    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        for field in fields.allKeys {
            let name = field.stringValue
            if let rate = Self.rateNames.first(where: { $0.name == name }) {
                self[keyPath: rate.path] = try Self.rate(fields.read(field), name)
                continue
            }
            switch name {
            case "latencyMilliseconds": latency = try (fields.read(field) as Span).checked(name)
            case "webhookDelayMilliseconds": webhookDelay = try (fields.read(field) as Span).checked(name)
            case "reorderWebhooks": reorderWebhooks = try fields.read(field)
            case "seed": seed = try fields.read(field)
            default: throw StripeError.unknownParameter(name)
            }
        }
    }

    private static func rate(_ rate: Double, _ name: String) throws(StripeError) -> Double {
        guard (0...1).contains(rate) else { throw .invalidRequest("\(name) must be between 0 and 1", parameter: name) }
        return rate
    }
}

extension FaultSettings.Span: Decodable {
    /// `{"min": 10, "max": 50}`, or one number for both.
    init(from decoder: any Decoder) throws {
        if let fixed = try? decoder.singleValueContainer().decode(Int.self) {
            (min, max) = (fixed, fixed)
            return
        }
        let fields = try decoder.container(keyedBy: Field.self)
        for field in fields.allKeys {
            switch field.stringValue {
            case "min": min = try fields.read(field)
            case "max": max = try fields.read(field)
            case let name: throw StripeError.unknownParameter("\(decoder.codingPath.first?.stringValue ?? "")[\(name)]")
            }
        }
    }

    fileprivate func checked(_ name: String) throws(StripeError) -> Self {
        guard min >= 0, min <= max, max <= FaultSettings.maximumMilliseconds else {
            throw .invalidRequest("\(name) needs 0 ≤ min ≤ max ≤ \(FaultSettings.maximumMilliseconds)", parameter: name)
        }
        return self
    }
}

/// Any name at all, so that unknown names can be reported.
private struct Field: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        nil
    }
}

extension KeyedDecodingContainer<Field> {
    /// Converts a decoding error into one that names the field.
    fileprivate func read<Value: Decodable>(_ field: Field) throws(StripeError) -> Value {
        do {
            return try decode(Value.self, forKey: field)
        } catch let error as StripeError {
            throw error
        } catch {
            let name = codingPath.first?.stringValue ?? field.stringValue
            throw .invalidRequest("\(name) has a value of the wrong type or range", parameter: name)
        }
    }
}
