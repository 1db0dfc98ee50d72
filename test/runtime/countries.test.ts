import { describe, expect, it } from "vitest";
import { countryOf } from "../../src/runtime/countries.ts";

describe("the country of a number", () => {
  it.each([
    ["491701234567@s.whatsapp.net", "DE"],
    ["491701234567:12@s.whatsapp.net", "DE"],
    ["12025550123@s.whatsapp.net", "US"],
    ["14165550123@s.whatsapp.net", "CA"],
    ["18765550123@s.whatsapp.net", "JM"],
    ["79161234567@s.whatsapp.net", "RU"],
    ["77011234567@s.whatsapp.net", "KZ"],
    ["447911123456@s.whatsapp.net", "GG"],
    ["447700900123@s.whatsapp.net", "GB"],
    ["5511912345678@s.whatsapp.net", "BR"],
    ["35841234567@c.us", "FI"],
  ])("%s is in %s", (address, country) => {
    expect(countryOf(address)).toBe(country);
  });

  it.each(["12345@lid", "120363041234567890@g.us", "status@broadcast", "881612345678@s.whatsapp.net", ""])(
    "%s says nothing",
    (address) => {
      expect(countryOf(address)).toBeNull();
    },
  );
});
