/** As package.json has it; a test holds the two together, so that no file need be read to know it. */
export const version = '0.1.0'

export const userAgent: string = `modelmount/${version}`
